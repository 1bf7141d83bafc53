; Whether 77 is odd: R0 is 1 for an odd number and 0 for an even one.
; ends: R0=1 R1=-1 R2=2
        mov r0, 0
        mov r1, 77
        mov r2, 2
loop:   sub r1, r1, r2
        jz even
        jns loop
odd:    mov r0, 1
even:   halt
