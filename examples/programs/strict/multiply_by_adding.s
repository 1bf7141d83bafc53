; 12 times 11, without MUL.
; ends: R0=132 R1=12 R2=0
        MOV R1, 12          ; multiplicand
        MOV R2, 11          ; multiplier
        MOV R0, 0           ; product
loop:   ADD R0, R0, R1
        DEC R2
        JNZ loop
        HALT
