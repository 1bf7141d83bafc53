; Of R1, R2 and R3 the least in R6 and the greatest in R7.
; ends: R1=8 R2=-3 R3=5 R6=-3 R7=8
        mov r1, 8
        mov r2, -3
        mov r3, 5
        mov r6, r1
        mov r7, r1
        cmp r2, r6
        jns not_less
        mov r6, r2
not_less:
        cmp r7, r2
        jns not_more
        mov r7, r2
not_more:
        cmp r3, r6
        jns still_least
        mov r6, r3
still_least:
        cmp r7, r3
        jns end
        mov r7, r3
end:    halt
