; Whether R1 is a prime number: R0 is 1 if it is, else 0.
; ends: R0=1 R1=97 R2=97
        mov r1, 97
        mov r2, 1           ; the divisor
        mov r0, 1
next:   inc r2
        cmp r2, r1
        jz end              ; no divisor was found
        mov r3, r1
rest:   sub r3, r3, r2
        jz divided
        jns rest
        mov r3, 0
        jmp next
divided:
        mov r0, 0
        ; running past the last line stops the machine, as HALT does
end:
