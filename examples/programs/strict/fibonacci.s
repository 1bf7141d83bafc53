; The 20th Fibonacci number, where the first two are 1.
; ends: R0=6765 R1=10946 R2=6765 R3=0
        mov r0, 0           ; F(0)
        mov r1, 1           ; F(1)
        mov r3, 20          ; how often
fib:    add r2, r0, r1
        mov r0, r1
        mov r1, r2
        dec r3
        jnz fib
        mov r2, r0
        halt
