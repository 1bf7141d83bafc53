; Counts from 10 down to 0.
; ends: R1=0
        mov r1, 10
loop:   dec r1
        jnz loop
        halt
