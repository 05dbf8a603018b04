/* image.c - the program that runs unchanged on QEMU's mps2-an385, -an386 or -an500 and on our
 * own core.
 *
 *   built by  run.sh, with the cases of generate.py      runs on  both machines
 *
 * First the generated cases: each starts from a made-up exception frame (Thread mode,
 * process stack) and ends with SVC, whose handler records registers, flags, stack pointer
 * and a checksum of the memory window, and starts the next.  Then the exceptions, written
 * by hand below: every handler logs what the architecture lets it see.  At the end both
 * records go to files through semihosting, and run.sh compares them byte by byte.
 *
 * Not compared, because QEMU's Cortex-M3 differs from the manual of the r1p1 by design:
 *   - CCR.STKALIGN out of reset (QEMU 1, r1p1 0): set before anything else here
 *   - the number of priority bits is 8 in QEMU; our core is told so
 *   - SysTick, CPUID and everything else that depends on time or on the revision
 *   - the instruction at which an interrupt is taken (QEMU: the end of a block of
 *     translated code): the stacked PC of PendSV and the interrupts
 *   - SSAT16 and USAT16, of the DSP extension, which QEMU without it takes for SSAT and USAT
 *   - SCR.SLEEPDEEP, which reads as zero in QEMU: not written
 *   - CCR.STKALIGN = 0 with an extended frame, which is aligned all the same (B1.5.7) but not
 *     in QEMU: the FPU is not in use there
 *   - FPCCR.UFRDY, of Armv8-M, which QEMU has for all cores
 *   - a store's bus error is precise in both; silicon may make it imprecise */
#include <stddef.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define BYTE(address) (*(volatile uint8_t *)(address))
#define ISER   REG(0xE000E100)
#define ICER   REG(0xE000E180)
#define ISPR   REG(0xE000E200)
#define ICPR   REG(0xE000E280)
#define IABR   REG(0xE000E300)
#define IPR    ((volatile uint8_t *)0xE000E400)
#define ICSR   REG(0xE000ED04)
#define AIRCR  REG(0xE000ED0C)
#define SCR    REG(0xE000ED10)
#define CCR    REG(0xE000ED14)
#define SHPR   ((volatile uint8_t *)0xE000ED14)     /* indexed by exception number */
#define SHCSR  REG(0xE000ED24)
#define CFSR   REG(0xE000ED28)
#define HFSR   REG(0xE000ED2C)
#define MMFAR  REG(0xE000ED34)
#define BFAR   REG(0xE000ED38)
#define CPACR  REG(0xE000ED88)
#define STIR   REG(0xE000EF00)
#define FPCCR  REG(0xE000EF34)
#define FPCCR_SEEN (FPCCR & 0xC000017B)               /* without UFRDY, of Armv8-M */
#define FPCAR  REG(0xE000EF38)
#define FPDSCR REG(0xE000EF3C)
#define MVFR   ((volatile uint32_t *)0xE000EF40)

enum { PENDSVSET = 1 << 28, PENDSVCLR = 1 << 27, NOWHERE = 0x70000000 };
enum { WINDOW = 0x20000000, WINDOW_BYTES = 0x2000, STACK_TOP = 0x20001000,
       RECORD_WORDS = 18, CASE_WORDS = 16 };

extern const uint32_t case_count, case_table[];

static uint32_t records[420000], log_words[16384];
static uint32_t *record_end, log_count, next_case;

static void log_word(uint32_t word) { log_words[log_count++] = word; }

/* --- semihosting ------------------------------------------------------------------- */

static uint32_t semihost(uint32_t operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE = 5, SYS_EXIT = 0x18 };

static void save(const char *name, uint32_t length, const void *data, uint32_t size)
{
    uint32_t file = semihost(SYS_OPEN, (const void *[]){ name, (void *)5, (void *)length });
    semihost(SYS_WRITE, (const void *[]){ (void *)file, data, (void *)size });
    semihost(SYS_CLOSE, (const void *[]){ (void *)file });
}

/* --- the generated cases ------------------------------------------------------------- */

static uint32_t checksum(void)
{
    uint32_t sum = 0;
    for (const uint32_t *word = (const uint32_t *)WINDOW;
         word < (const uint32_t *)(WINDOW + WINDOW_BYTES); word++)
        sum = (sum << 5 | sum >> 27) + *word;
    return sum;
}

/* Where the frame of the next case lies: FPU registers are part of it once they were used,
 * and go on holding what the last case left. */
static uint32_t frame_words(uint32_t exc_return) { return exc_return & 0x10 ? 8 : 26; }

/* Case words: entry, xPSR, r0 to r12, lr.  r4 to r11 go through `high`. */
static uint32_t *prepare(uint32_t *high, uint32_t exc_return)
{
    const uint32_t *words = case_table + CASE_WORDS * next_case++;
    uint32_t *frame = (uint32_t *)STACK_TOP - frame_words(exc_return);
    for (int i = 0; i < 4; i++)
        frame[i] = words[2 + i];
    for (int i = 0; i < 8; i++)
        high[i] = words[6 + i];
    frame[4] = words[14];
    frame[5] = words[15];
    frame[6] = words[0];
    frame[7] = words[1];
    return frame;
}

static void exceptions(void);

/* Called with the process stack pointer and r4-r11 as the case left them. */
uint32_t *case_ended(uint32_t *frame, uint32_t *high, uint32_t exc_return)
{
    if (next_case) {
        uint32_t pad = frame[7] >> 9 & 1;
        for (int i = 0; i < 8; i++)
            *record_end++ = frame[i];
        for (int i = 0; i < 8; i++)
            *record_end++ = high[i];
        *record_end++ = (uint32_t)(uintptr_t)(frame + frame_words(exc_return) + pad);
        *record_end++ = checksum();
    }
    if (next_case < case_count)
        return prepare(high, exc_return);
    /* No more: return into exceptions(), on the process stack. */
    frame = (uint32_t *)STACK_TOP - frame_words(exc_return);
    frame[6] = (uint32_t)(uintptr_t)exceptions & ~1u;
    frame[7] = 0x01000000;
    return frame;
}

__attribute__((naked)) static void svc_case(void)
{
    __asm__ volatile(
        "mrs r0, psp\n push {r4-r11}\n mov r1, sp\n mov r2, lr\n push {r0, lr}\n"
        "bl case_ended\n"
        "msr psp, r0\n pop {r0, lr}\n pop {r4-r11}\n bx lr\n");
}

/* --- the exceptions -------------------------------------------------------------------- */

enum { IRQS = 6, EXC_PENDSV = 14 };
static volatile uint32_t depth_limit, in_handler, resume_at, svc_number;
static volatile uint32_t pend_in_svc, raise_in, raise_what, fpu_looked_at;

__asm__(".fpu fpv4-sp-d16");
enum { ALL_ACCESS = 0xF << 20, PRIVILEGED_ACCESS = 5 << 20 };

static uint32_t ipsr(void)
{
    uint32_t value;
    __asm__ volatile("mrs %0, ipsr" : "=r"(value));
    return value;
}

static uint32_t main_depth(void)
{
    uint32_t value;
    __asm__ volatile("mrs %0, msp" : "=r"(value));
    return value;
}

static uint32_t control(void)
{
    uint32_t value;
    __asm__ volatile("mrs %0, control" : "=r"(value));
    return value;
}
static void set_control(uint32_t value)
{
    __asm__ volatile("msr control, %0\n isb" :: "r"(value) : "memory");
}

static uint32_t fpscr(void)
{
    uint32_t value;
    __asm__ volatile("vmrs %0, fpscr" : "=r"(value));
    return value;
}
static void set_fpscr(uint32_t value) { __asm__ volatile("vmsr fpscr, %0" :: "r"(value)); }

/* S0 to S31 become seed, seed + 1, .. */
static void fill_fpu(uint32_t seed)
{
    uint32_t values[32];
    for (uint32_t n = 0; n < 32; n++)
        values[n] = seed + n;
    __asm__ volatile("vldmia %0, {s0-s31}" :: "r"(values) : "memory");
}
static void log_fpu(void)
{
    uint32_t values[32], sum = 0;
    __asm__ volatile("vstmia %0, {s0-s31}" :: "r"(values) : "memory");
    for (uint32_t n = 0; n < 32; n++)
        sum = (sum << 5 | sum >> 27) + values[n];
    log_word(values[0]);
    log_word(sum);
    log_word(fpscr());
}

/* Before a handler uses the FPU and after: the frame, and the registers of the late save. */
static void use_fpu_in_handler(const uint32_t *frame, uint32_t words)
{
    for (uint32_t i = 8; i < words; i += i < 24 ? 15 : 1)
        log_word(frame[i]);
    fill_fpu(0x500);
    set_fpscr(0x01000000);
    log_word(FPCCR_SEEN);
    log_word(control());
    for (uint32_t i = 8; i + 1 < words; i++)
        log_word(frame[i]);
}

/* What every handler logs.  Faults skip the instruction at fault: its size is known by
 * its first halfword, unless the PC itself is what was bad (then resume_at helps). */
void handler(uint32_t *frame, uint32_t exc_return)
{
    uint32_t number = ipsr();
    log_word(0xE0000000 | number);
    log_word(exc_return);
    log_word(frame[7] & ~0x1FFu);
    if (number < EXC_PENDSV)
        log_word(frame[6]);
    log_word((uint32_t)(uintptr_t)frame & 7);
    log_word(CFSR);
    log_word(HFSR);
    if (CFSR & 0x8000)
        log_word(BFAR);
    log_word(ICSR);
    log_word(SHCSR);
    log_word(IABR);
    if (fpu_looked_at) {
        log_word(FPCCR_SEEN);
        log_word(FPCAR - (uint32_t)(uintptr_t)frame);
        log_word(control());
    }
    if (raise_in == number) {
        raise_in = 0;
        if (raise_what == 1)
            (void)REG(NOWHERE);
        if (raise_what == 2)
            __asm__ volatile("udf #1");
        if (raise_what == 3)
            __asm__ volatile("svc #9");
        if (raise_what == 4)
            ISPR = 1 << 1;
        if (raise_what == 5)
            ICSR = PENDSVSET;
        if (raise_what == 6)
            __asm__ volatile("msr control, %0" :: "r"(2));
        if (raise_what == 7)
            use_fpu_in_handler(frame, frame_words(exc_return));
        if (raise_what == 8) {
            FPCAR = NOWHERE;
            __asm__ volatile("vmov.f32 s0, #1.0");
            log_word(FPCCR_SEEN);
            FPCCR &= ~1u;
        }
        if (raise_what == 9) {          /* another exception on top of the used FPU */
            fill_fpu(0x600);
            raise_in = 18; raise_what = 7;
            ISPR = 1 << 2;
        }
        if (raise_what == 10)           /* ... and on top of state that waits */
            ISPR = 1 << 2;
        __asm__ volatile("dsb\n isb");
        log_word(0xE1000000 | number);
    }
    if (number >= 3 && number <= 6) {
        if (resume_at) {
            frame[6] = resume_at & ~1u;
            frame[7] = (frame[7] & ~0x0600FC00u) | 0x01000000;
            resume_at = 0;
        } else {
            const uint16_t *at = (const uint16_t *)(uintptr_t)frame[6];
            frame[6] += *at >= 0xE800 ? 4 : 2;
            frame[7] &= ~0x0600FC00u;           /* out of any IT block */
        }
        CFSR = ~0u;
        HFSR = ~0u;
    }
}

__attribute__((naked)) static void any_handler(void)
{
    __asm__ volatile(
        "tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n mov r1, lr\n"
        "push {r4, lr}\n bl handler\n pop {r4, pc}\n");
}

static volatile uint32_t cases_over;
__attribute__((naked)) static void svc_entry(void)
{
    __asm__ volatile(
        "ldr r2, =cases_over\n ldr r2, [r2]\n cbz r2, 1f\n b any_handler\n"
        "1: b svc_case\n .ltorg\n" :: "i"(any_handler), "i"(svc_case), "i"(&cases_over));
}

static inline __attribute__((always_inline)) void barrier(void)
{
     __asm__ volatile("dsb\n isb" ::: "memory");
}
static void mark(uint32_t number) { log_word(0xA0000000 | number); }

static void masks_and_priorities(void)
{
    mark(1);                            /* PendSV at once, and held by PRIMASK */
    ICSR = PENDSVSET; barrier();
    __asm__ volatile("cpsid i");
    ICSR = PENDSVSET; barrier();
    log_word(ICSR);
    __asm__ volatile("wfi\n wfi.w");    /* wake though masked */
    __asm__ volatile("cpsie i\n isb");
    mark(2);                            /* pended and taken back */
    __asm__ volatile("cpsid i");
    ICSR = PENDSVSET; ICSR = PENDSVCLR; log_word(ICSR);
    __asm__ volatile("cpsie i\n isb");
    mark(3);                            /* three interrupts, order by priority */
    for (int i = 0; i < IRQS; i++)
        IPR[i] = (uint8_t)(0x80 - 0x10 * i);
    IPR[4] = IPR[3];
    ISER = (1 << IRQS) - 1;
    __asm__ volatile("cpsid i");
    ISPR = 0x3F; log_word(ISPR); log_word(ICSR);
    ICPR = 1 << 2; log_word(ISPR);
    __asm__ volatile("cpsie i\n isb");
    mark(4);                            /* BASEPRI lets only the more urgent through */
    for (uint32_t level = 0x20; level <= 0x90; level += 0x10) {
        __asm__ volatile("msr basepri, %0\n isb" :: "r"(level));
        ISPR = 0x3F; barrier();
        log_word(ISPR);
        __asm__ volatile("msr basepri, %0\n isb" :: "r"(0));
    }
    mark(5);                            /* FAULTMASK, cleared by nothing here */
    __asm__ volatile("cpsid f");
    ISPR = 3; barrier(); log_word(ISPR);
    __asm__ volatile("cpsie f\n isb");
    mark(6);                            /* STIR; disabled ones stay pending */
    ICER = 1 << 1;
    STIR = 1; barrier(); log_word(ISPR); log_word(ISER);
    ISER = 1 << 1; barrier();
    mark(7);                            /* grouping: sub-priority does not preempt */
    for (uint32_t group = 0; group < 8; group++) {
        AIRCR = 0x05FA0000 | group << 8;
        log_word(AIRCR);
        raise_in = 16; raise_what = 4;  /* handler 0 pends 1, which is more urgent */
        IPR[0] = 0x84; IPR[1] = 0x80;
        ISPR = 1; barrier();
    }
    AIRCR = 0x05FA0000;
}

static void preemption(void)
{
    mark(10);                           /* handler 0 pends the more urgent 1: nests */
    IPR[0] = 0x80; IPR[1] = 0x40;
    raise_in = 16; raise_what = 4;
    ISPR = 1; barrier();
    mark(11);                           /* less urgent: tail-chains */
    IPR[0] = 0x40; IPR[1] = 0x80;
    raise_in = 16; raise_what = 4;
    ISPR = 1; barrier();
    mark(12);                           /* SVC, then PendSV tail-chained behind it */
    SHPR[14] = 0xFF; SHPR[11] = 0x80;
    raise_in = 11; raise_what = 5;
    __asm__ volatile("svc #3"); barrier();
    mark(13);                           /* equal priority: lower number first */
    SHPR[14] = SHPR[11] = 0;
    IPR[0] = IPR[1] = 0;
    __asm__ volatile("cpsid i");
    ISPR = 3; ICSR = PENDSVSET; barrier();
    __asm__ volatile("cpsie i\n isb");
}

/* The handler of the fault goes on behind the branch. */
__attribute__((noinline)) static void branch_into_the_void(uint32_t target)
{
    __asm__ volatile("adr.w r1, 1f\n str r1, [%1]\n bx %0\n 1:"
                     :: "r"(target), "r"(&resume_at) : "r1", "lr", "memory");
}

static void faults(void)
{
    mark(20);                           /* all escalated to HardFault */
    SHCSR = 0;
    (void)REG(NOWHERE);
    REG(NOWHERE) = 1;
    __asm__ volatile("udf #7");
    __asm__ volatile(".hword 0xF7F0, 0xA000");
    mark(21);                           /* each by its own handler */
    SHCSR = 7 << 16; log_word(SHCSR);
    (void)REG(NOWHERE + 4);
    REG(NOWHERE + 8) = 1;
    (void)BYTE(NOWHERE + 3);
    __asm__ volatile("udf #7");
    __asm__ volatile(".hword 0xEE10, 0x0F10");              /* MRC: NOCP */
    __asm__ volatile(".hword 0xFB10, 0xF000");              /* DSP: SMULBB */
    __asm__ volatile("movs r2, #1\n it ne\n udfne #0" ::: "r2", "cc");
    __asm__ volatile(".hword 0xB700\n"
                     ".hword 0xF7F0, 0x8000\n .hword 0xF8CF, 0x0000");
    mark(22);                           /* traps of CCR */
    CCR = 0x210; barrier();
    __asm__ volatile("movs r1, #0\n udiv r0, r1, r1\n sdiv r0, r1, r1" ::: "r0", "r1", "cc");
    CCR = 0x208; barrier();
    __asm__ volatile("mov r1, #0x20000000\n adds r1, #1\n ldr r0, [r1]\n strh r0, [r1]\n"
                     ::: "r0", "r1", "cc");
    CCR = 0x200; barrier();
    __asm__ volatile("mov r1, #0x20000000\n adds r1, #2\n ldmia r1, {r0, r2}\n"
                     "ldrd r0, r2, [r1]\n strd r0, r2, [r1]\n ldrex r0, [r1]"
                     ::: "r0", "r1", "r2", "cc");
    mark(23);                           /* branches to where no code can be */
    branch_into_the_void(0x10);             /* even: no Thumb state */
    branch_into_the_void(0xE0000001);       /* the system space is never executable */
    branch_into_the_void(NOWHERE + 1);
}

static void escalation(void)
{
    mark(30);                           /* SVC while SVCall cannot preempt */
    __asm__ volatile("cpsid i\n svc #1\n cpsie i");
    SHPR[11] = 0x80;
    __asm__ volatile("msr basepri, %0\n svc #1\n" :: "r"(0x40));
    __asm__ volatile("msr basepri, %0\n" :: "r"(0));
    mark(31);                           /* a fault inside the handler of the same kind */
    raise_in = 6; raise_what = 2;
    __asm__ volatile("udf #2");
    raise_in = 5; raise_what = 1;
    (void)REG(NOWHERE);
    mark(32);                           /* a UsageFault inside BusFault: more urgent, not */
    SHPR[5] = 0x40; SHPR[6] = 0x20;
    raise_in = 5; raise_what = 2;
    (void)REG(NOWHERE);
    SHPR[5] = 0x20; SHPR[6] = 0x40;
    raise_in = 5; raise_what = 2;
    (void)REG(NOWHERE);
    SHPR[5] = SHPR[6] = SHPR[11] = 0;
    mark(33);                           /* SVC inside an interrupt of the same priority */
    IPR[2] = 0; raise_in = 18; raise_what = 3;
    ISPR = 1 << 2; barrier();
    mark(34);                           /* faults while masked */
    __asm__ volatile("cpsid i\n udf #3\n cpsie i");
    SHPR[6] = 0x80;
    __asm__ volatile("msr basepri, %0\n udf #3\n" :: "r"(0x40));
    __asm__ volatile("msr basepri, %0\n" :: "r"(0));
    SHPR[6] = 0;
}

static void stacks(void)
{
    mark(40);                           /* alignment: SP = 4 mod 8 is padded */
    __asm__ volatile("sub sp, #4\n svc #4\n add sp, #4");
    __asm__ volatile("svc #4");
    CCR &= ~0x200u; barrier();
    __asm__ volatile("sub sp, #4\n svc #4\n add sp, #4");
    CCR |= 0x200; barrier();
    mark(41);                           /* IT state is stacked and comes back */
    __asm__ volatile("cmp r0, r0\n ittet eq\n addeq r0, #0\n svceq #5\n movne r0, r0\n"
                     "addeq r0, #0" ::: "cc");
    mark(42);                           /* flags survive */
    for (uint32_t flags = 0; flags < 32; flags++) {
        uint32_t back;
        __asm__ volatile("msr apsr_nzcvq, %1\n svc #6\n mrs %0, apsr"
                         : "=r"(back) : "r"(flags << 27) : "cc");
        log_word(back);
    }
    mark(43);                           /* main stack in Thread mode */
    uint32_t control;
    __asm__ volatile("mrs %0, control" : "=r"(control));
    log_word(control);
    __asm__ volatile("mrs r0, psp\n mrs r1, control\n bic r2, r1, #2\n mov r3, sp\n"
                     "msr control, r2\n isb\n svc #7\n msr control, r1\n isb"
                     ::: "r0", "r1", "r2", "r3", "memory");
}

static void unprivileged(void)
{
    mark(50);                           /* no access to the SCS, CPS and MSR ignored */
    __asm__ volatile("mrs r0, control\n orr r0, #1\n msr control, r0\n isb" ::: "r0");
    (void)SHCSR;
    (void)ICSR;
    uint32_t seen[4];
    __asm__ volatile("cpsid i\n mrs %0, primask\n mrs %1, control\n mrs %2, msp\n"
                     "mrs %3, xpsr" : "=r"(seen[0]), "=r"(seen[1]), "=r"(seen[2]),
                     "=r"(seen[3]));
    for (int i = 0; i < 3; i++)
        log_word(seen[i]);
    __asm__ volatile("movs r0, #0\n msr control, r0\n isb\n mrs %0, control"
                     : "=r"(seen[0]) :: "r0", "cc");
    log_word(seen[0]);
    raise_in = 11; raise_what = 6;      /* only a handler can give the privilege back */
    __asm__ volatile("svc #8\n mrs %0, control" : "=r"(seen[0]));
    log_word(seen[0]);
}

static void scb_registers(void)
{
    mark(60);                           /* which bits of the SCB can be written */
    log_word(CCR); log_word(SHPR[11]); log_word(main_depth() & 7);
    CCR = 0xFFFFFFFF & 0x31B; log_word(CCR); CCR = 0x200;
    SCR = 0x12; log_word(SCR); SCR = 0;
    *(volatile uint32_t *)0xE000ED18 = 0xFFFFFFFF; log_word(REG(0xE000ED18));
    *(volatile uint32_t *)0xE000ED18 = 0;
    *(volatile uint32_t *)0xE000ED20 = 0xFFFF00FF; log_word(REG(0xE000ED20));
    *(volatile uint32_t *)0xE000ED20 = 0;
    log_word(REG(0xE000ED08));
}

static void fpu_registers(void)
{
    mark(70);                           /* which bits of the FPU's registers can be written */
    for (int i = 0; i < 3; i++)
        log_word(MVFR[i]);
    log_word(CPACR); log_word(FPCCR_SEEN & ~1u); log_word(FPDSCR);
    CPACR = ~0u; log_word(CPACR); CPACR = ALL_ACCESS;
    FPCAR = ~0u; log_word(FPCAR); FPCAR = 0; log_word(FPCAR);
    FPDSCR = ~0u; log_word(FPDSCR); FPDSCR = 0;
    FPCCR = 0; log_word(FPCCR_SEEN);
    FPCCR = ~1u; log_word(FPCCR_SEEN); FPCCR = 0xC0000000; log_word(FPCCR);
    set_control(6); log_word(control());
    set_control(2); log_word(control());
}

/* Undefined of all FPUs, of FPv4, of single precision; and what is never a coprocessor's. */
static void odd_instructions(void)
{
    __asm__ volatile(
        ".hword 0xEE00, 0x0B00\n .hword 0xEE40, 0x0B00\n .hword 0xEE30, 0x0BA0\n"
        ".hword 0xEEC0, 0x0A40\n .hword 0xEEB2, 0x0A00\n .hword 0xEEB9, 0x0A40\n"
        ".hword 0xFE00, 0x0A00\n .hword 0xFE30, 0x0A40\n .hword 0xFE80, 0x0A00\n"
        ".hword 0xFEB8, 0x0A40\n .hword 0xFEBC, 0x0A40\n .hword 0xFEB4, 0x0A40\n"
        ".hword 0xEEB6, 0x0A40\n .hword 0xEEB7, 0x0A40\n .hword 0xEEB7, 0x0AC0\n"
        ".hword 0xEEB7, 0x0BC0\n .hword 0xEEB8, 0x0B40\n .hword 0xEEB2, 0x0B40\n"
        ".hword 0xED40, 0x0B00\n .hword 0xECC0, 0x0B02\n .hword 0xEC00, 0x0A10\n"
        ".hword 0xEE40, 0x0B10\n .hword 0xEE00, 0x0B30\n .hword 0xEEE0, 0x0A10\n"
        ".hword 0xEEF7, 0x0A10\n .hword 0xEF00, 0x0A00\n .hword 0xFF00, 0x0B40\n"
        ".hword 0xEE00, 0x0910\n .hword 0xEC40, 0x0E10\n .hword 0xED80, 0x0F00\n"
        ::: "r0", "memory");
}

static void fpu_access(void)
{
    mark(71);                           /* shut; then without a context, and undefined ones */
    CPACR = 0; barrier();
    odd_instructions();
    __asm__ volatile("vmov.f32 s0, #1.0\n vldr s1, [%0]\n vmrs r0, fpscr" :: "r"(WINDOW) : "r0");
    log_word(control());
    CPACR = ALL_ACCESS; barrier();
    odd_instructions();
    set_control(2);
}

static void unprivileged_fpu(void)
{
    mark(72);                           /* CPACR can shut it for unprivileged code alone */
    CPACR = PRIVILEGED_ACCESS; barrier();
    __asm__ volatile("vmov.f32 s0, #1.0");
    log_word(control());
    set_control(3);
    __asm__ volatile("vmov.f32 s0, #1.0");
    (void)FPCCR;
    raise_in = 11; raise_what = 6;
    __asm__ volatile("svc #8");
    CPACR = ALL_ACCESS; barrier();
    set_control(3);
    __asm__ volatile("vmov.f32 s0, #1.0");
    raise_in = 11; raise_what = 7;      /* FPCCR.USER */
    __asm__ volatile("svc #8");
    raise_in = 11; raise_what = 6;
    __asm__ volatile("svc #8");
    log_word(control());
}

static void fpu_frames(uint32_t fpccr)
{
    FPCCR = fpccr; FPDSCR = 0x02400000;
    set_control(2);
    fill_fpu(0x100);                    /* a new context, with FPDSCR's defaults */
    log_word(control()); log_word(fpscr());
    set_fpscr(0x90000011);
    mark(74);                           /* nobody uses it: nothing is written */
    __asm__ volatile("svc #1");
    log_word(FPCCR_SEEN); log_fpu();
    mark(75);                           /* the handler does */
    raise_in = 11; raise_what = 7;
    __asm__ volatile("sub sp, #4\n svc #2\n add sp, #4");
    log_word(FPCCR_SEEN); log_fpu();
    mark(76);                           /* two of them, one on top of the other */
    IPR[0] = 0x80; IPR[2] = 0x40;
    raise_in = 16; raise_what = 9;
    ISPR = 1; barrier();
    log_word(FPCCR_SEEN); log_fpu();
    mark(77);                           /* ... and the upper alone */
    raise_in = 16; raise_what = 10;
    ISPR = 1; barrier();
    log_word(FPCCR_SEEN); log_fpu();
    mark(78);                           /* a tail-chained one finds FPCA clear */
    IPR[2] = 0xC0;
    raise_in = 16; raise_what = 9;
    ISPR = 1; barrier();
    log_word(FPCCR_SEEN); log_fpu();
    mark(79);                           /* without a context of its own */
    set_control(2);
    raise_in = 11; raise_what = 7;
    __asm__ volatile("svc #3");
    log_word(FPCCR_SEEN); log_word(control()); log_fpu();
}

static void fpu_faults(void)
{
    SHCSR = 7 << 16;
    mark(80);                           /* the late save ends nowhere */
    FPCCR = 0xC0000000;
    fill_fpu(0x200);
    SHPR[11] = 0x80;
    raise_in = 11; raise_what = 8;
    __asm__ volatile("svc #4");
    SHPR[5] = 0xC0;                     /* BusFault cannot come in the handler */
    raise_in = 11; raise_what = 8;
    __asm__ volatile("svc #4");
    SHPR[5] = 0;
    SHCSR = 0;                          /* nor at all */
    raise_in = 11; raise_what = 8;
    __asm__ volatile("svc #4");
    SHPR[11] = 0;
    SHCSR = 7 << 16;
    mark(81);                           /* shut while a context is there */
    for (int lazy = 1; lazy >= 0; lazy--) {
        FPCCR = 1u << 31 | (uint32_t)lazy << 30;
        fill_fpu(0x300);
        CPACR = 0; barrier();
        __asm__ volatile("svc #5");
        CPACR = ALL_ACCESS; barrier();
    }
}

static void fpu(void)
{
    SHCSR = 7 << 16;
    fpu_looked_at = 1;
    fpu_registers();
    fpu_access();
    if (MVFR[0]) {
        unprivileged_fpu();
        fpu_frames(0xC0000000);         /* late */
        fpu_frames(0x80000000);         /* at once */
        fpu_frames(0x40000000);         /* contexts are not kept */
        fpu_faults();
        FPCCR = 0xC0000000;
    }
    set_control(2);
    fpu_looked_at = 0;
}

__attribute__((noinline)) static void exceptions(void)
{
    cases_over = 1;
    set_control(2);                     /* the FPU has not been used */
    __asm__ volatile("msr basepri, %0" :: "r"(0));
    AIRCR = 0x05FA0000;
    masks_and_priorities();
    preemption();
    faults();
    escalation();
    stacks();
    scb_registers();
    fpu();
    unprivileged();
    save("cases", 5, records, (uint32_t)((uintptr_t)record_end - (uintptr_t)records));
    save("excep", 5, log_words, 4 * log_count);
    semihost(SYS_EXIT, (void *)0x20026);
    for (;;)
        ;
}

void start(void)
{
    CCR = 0x200;
    CPACR = 0xF << 20;                  /* the FPU, where there is one */
    for (uint32_t *word = (uint32_t *)WINDOW;
         word < (uint32_t *)(WINDOW + WINDOW_BYTES); word++)
        *word = (uint32_t)(uintptr_t)word * 2654435761u;
    record_end = records;
    __asm__ volatile("msr psp, %0\n movs r0, #2\n msr control, r0\n isb\n svc #0"
                     :: "r"(STACK_TOP) : "r0", "memory");
    for (;;)
        ;
}

__attribute__((section(".vectors"), used))
static void (*const vectors[16 + 32])(void) = {
    (void (*)(void))0x20400000, start, any_handler, any_handler, any_handler, any_handler,
    any_handler, 0, 0, 0, 0, svc_entry, any_handler, 0, any_handler, any_handler,
    [16 ... 47] = any_handler,
};
