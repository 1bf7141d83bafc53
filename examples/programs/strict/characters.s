; How many letters there are from 'a' to 'z', by character literals.
; ends: R0=26 R1=97 R2=122
        mov r1, 'a'
        mov r2, 'z'
        sub r0, r2, r1
        inc r0
        nop
        halt
