/* demo_stm32f205.c - what the demo needs of it is where an STM32F405 has it, too. */
#include "demo_stm32f405.c"
