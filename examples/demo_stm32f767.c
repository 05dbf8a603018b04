/* demo_stm32f767.c - what the demo needs of it is where an STM32F746 has it, too. */
#include "demo_stm32f746.c"
