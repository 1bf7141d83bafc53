; How many steps the Collatz sequence takes from 7 to 1.
; ends: R0=16 R1=1 R2=2 R3=3 R4=1 R5=1 R6=0
        mov r0, 0           ; steps
        mov r1, 7           ; the number
        mov r2, 2
        mov r3, 3
        mov r4, 1
loop:   cmp r1, r4
        jz done
        inc r0
        mov r5, 0           ; half of the number
        mov r6, r1          ; what is left of it
halve:  cmp r6, r4
        jz odd              ; 1 is left
        js even             ; 0 is left
        sub r6, r6, r2
        inc r5
        jmp halve
even:   mov r1, r5
        jmp loop
odd:    mul r1, r1, r3
        inc r1
        jmp loop
done:   halt
