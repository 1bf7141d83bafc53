; The greatest common divisor of 1071 and 462, by subtracting.
; ends: R1=21 R2=21
        mov r1, 1071
        mov r2, 462
loop:   cmp r1, r2
        jz done
        js swap             ; r1 is the smaller one
        sub r1, r1, r2
        jmp loop
swap:   sub r2, r2, r1
        jmp loop
done:   halt
