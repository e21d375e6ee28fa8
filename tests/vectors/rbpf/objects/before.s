# Code without a name before the only function.
    .text
    r0 = 1
    exit
    .globl step
    .type step, @function
step:
    r1 = 2 ll
    r0 = r1
    exit
