; The integer square root of 1000000: the greatest R0 with R0 * R0 <= R1.
; ends: R0=1000 R1=1000000 R2=1002001
        mov r0, 0
        mov r1, 1000000
try:    inc r0
        mul r2, r0, r0
        cmp r1, r2
        jns try
        dec r0
        halt
