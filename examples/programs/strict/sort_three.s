; Sorts three numbers by hand: R1 <= R2 <= R3.
; ends: R0=-5 R1=-5 R2=17 R3=42
        mov r1, 42
        mov r2, -5
        mov r3, 17
first:  cmp r2, r1          ; is r2 less than r1?
        jns second
        mov r0, r1
        mov r1, r2
        mov r2, r0
second: cmp r3, r2
        jns third
        mov r0, r2
        mov r2, r3
        mov r3, r0
third:  cmp r2, r1
        jns done
        mov r0, r1
        mov r1, r2
        mov r2, r0
done:   mov r0, r1          ; the least of them
        halt
