; 100 divided by 7: the quotient in R0, the remainder in R1.
; ends: R0=14 R1=2 R2=7
        mov r0, 0
        mov r1, 100
        mov r2, 7
divide: cmp r1, r2
        js done             ; less than the divisor is left
        sub r1, r1, r2
        inc r0
        jmp divide
done:   halt
