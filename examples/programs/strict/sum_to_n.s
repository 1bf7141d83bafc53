; The sum of the numbers from 1 to 100.
; ends: R0=5050 R1=0
        mov r0, 0
        mov r1, 100
again:  add r0, r0, r1
        dec r1
        jnz again
        halt
