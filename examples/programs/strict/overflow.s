; Numbers have 32 bits: the greatest one and 1 is the least one.
; ends: R0=-2147483648 R1=2147483647 R2=65536 R4=1
        mov r0, 0x7FFFFFFF
        mov r1, r0
        inc r0
        jns wrong           ; the sign flag is that of the result that is kept
        mov r2, 65536
        mul r3, r2, r2      ; 2 to the power of 32 is 0 here
        jnz wrong
        mov r4, 1
        halt
wrong:  mov r4, -1
        halt
