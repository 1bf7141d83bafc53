; 10 factorial.
; ends: R0=3628800 R1=0
        mov r0, 1
        mov r1, 0xA
loop:   mul r0, r0, r1
        dec r1
        jnz loop
        halt
