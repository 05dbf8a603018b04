/* fpu.c - a program that computes with an FPU, and whose handlers do or do not.
 *
 *   built by  run.sh      used by  fpu.gdb
 *
 * main() goes round: half() of a number, then SVC.  The handler uses the FPU when `greedy` is
 * set, so its first FPU instruction saves what main() had in it (FPCCR.LSPACT). */
#include <stdint.h>

#define CPACR (*(volatile uint32_t *)0xE000ED88)

volatile float number, seen, weight;
volatile double wide;
volatile int rounds, greedy;

__attribute__((noinline)) float half(float x)
{
    return x * 0.5f;
}

__attribute__((noinline)) double sum(double x, float y)
{
    return x + y;
}

__attribute__((noinline)) static void use_it(void)
{
    weight = weight * 2.0f;
}

/* The marks are places for breakpoints: the state that waits is there, and is not any more. */
__attribute__((noinline)) static void before_use(void) { __asm__ volatile("nop"); }
__attribute__((noinline)) static void after_use(void) { __asm__ volatile("nop"); }

void handler(void)
{
    before_use();
    if (greedy)
        use_it();
    after_use();
}

/* S15 is nobody's in a leaf: main() finds there what it or a debugger left. */
__attribute__((noinline)) static float across_svc(float x)
{
    float y;
    __asm__ volatile("vmov.f32 s15, %1\n svc #0\n vmov.f32 %0, s15" : "=t"(y) : "t"(x) : "s15");
    return y;
}

__attribute__((noinline)) static void after_round(void) { __asm__ volatile("nop"); }

int main(void)
{
    CPACR |= 0xF << 20;
    __asm__ volatile("dsb\n isb");
    rounds = greedy = 0;
    number = 3.0f;
    wide = 0.75;
    weight = 0.25f;
    for (;;) {
        seen = across_svc(half(number));
        wide = sum(wide, seen);
        rounds++;
        after_round();
    }
}

extern uint32_t stack_top;
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top, (const void *)main, [11] = (const void *)handler,
};
