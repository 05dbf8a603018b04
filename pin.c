/* pin.c - what a pin is: input or output, pulled, driven (see stm32f103.h).
 *
 * Source: RM0008 9.2.1, 9.2.2 (GPIOx_CRL, CRH). */
#include "stm32f103.h"

/* Changing a mode reads and writes back eight pins, some of which belong to interrupts
 * (uart.c): so nobody may come between. */
void pin_mode(struct gpio *port, int pin, enum pin_mode mode)
{
    reg32 *cr = pin < 8 ? &port->CRL : &port->CRH;
    int shift = pin % 8 * 4;
    uint32_t state = interrupts_off();
    *cr = (*cr & ~(0xFu << shift)) | (uint32_t)mode << shift;
    interrupts_restore(state);
}
