; 3 to the power of 13.
; ends: R0=1594323 R1=3 R2=0
        mov r0 #1
        mov r1 #3
        mov r2 #13
next:   mul r0 r0 r1
        dec r2
        jnz next
        halt
