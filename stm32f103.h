/* stm32f103.h - the registers this firmware touches, straight from the manuals.
 *
 * Each peripheral is a plain struct whose fields keep the manual's names and order.
 * The structs are *placed* by link.ld, so C holds no magic addresses and a host test
 * can supply an ordinary variable instead.  Bits are named only where code uses them.
 *
 * Sources: RM0008 (section numbers below), PM0075 for the flash controller, PM0056 and
 * the ARMv7-M Architecture Reference Manual for what belongs to the core. */
#ifndef STM32F103_H
#define STM32F103_H

#include <stddef.h>
#include <stdint.h>

typedef volatile uint32_t reg32;
typedef volatile uint16_t reg16;

/* --- clocks and power ----------------------------------------------------------- */

struct rcc {                    /* RM0008 7.3 */
    reg32 CR, CFGR, CIR;
    reg32 APB2RSTR, APB1RSTR;
    reg32 AHBENR, APB2ENR, APB1ENR;
    reg32 BDCR, CSR;
};
enum {
    RCC_CR_HSION = 1 << 0, RCC_CR_HSIRDY = 1 << 1,
    RCC_CR_HSEON = 1 << 16, RCC_CR_HSERDY = 1 << 17,
    RCC_CR_PLLON = 1 << 24, RCC_CR_PLLRDY = 1 << 25,

    RCC_CFGR_SW = 3 << 0, RCC_CFGR_SW_PLL = 2 << 0,
    RCC_CFGR_SWS = 3 << 2, RCC_CFGR_SWS_PLL = 2 << 2,
    RCC_CFGR_PPRE1_DIV2 = 4 << 8,
    RCC_CFGR_ADCPRE_DIV6 = 2 << 14,
    RCC_CFGR_PLLSRC_HSE = 1 << 16,      /* else HSI / 2 */
    RCC_CFGR_PLLMUL_9 = 7 << 18, RCC_CFGR_PLLMUL_12 = 10 << 18,
    RCC_CFGR_USBPRE_DIV1 = 1 << 22,     /* else PLL / 1.5 */

    RCC_AHB_DMA1 = 1 << 0, RCC_AHB_CRC = 1 << 6,
    RCC_APB2_AFIO = 1 << 0, RCC_APB2_GPIOA = 1 << 2, RCC_APB2_GPIOB = 1 << 3,
    RCC_APB2_GPIOC = 1 << 4, RCC_APB2_USART1 = 1 << 14,
    RCC_APB1_TIM3 = 1 << 1, RCC_APB1_USART2 = 1 << 17, RCC_APB1_USB = 1 << 23,
    RCC_APB1_BKP = 1 << 27, RCC_APB1_PWR = 1 << 28,

    RCC_CSR_RMVF = 1 << 24              /* forgets the reset flags, bits 26 to 31 */
};

struct flash {                  /* PM0075 3; ACR also RM0008 3.3.3 */
    reg32 ACR, KEYR, OPTKEYR, SR, CR, AR, reserved, OBR, WRPR;
};
enum {
    FLASH_ACR_PRFTBE = 1 << 4,
    FLASH_SR_BSY = 1 << 0, FLASH_SR_PGERR = 1 << 2, FLASH_SR_WRPRTERR = 1 << 4,
    FLASH_SR_EOP = 1 << 5,
    FLASH_CR_PG = 1 << 0, FLASH_CR_PER = 1 << 1, FLASH_CR_MER = 1 << 2,
    FLASH_CR_STRT = 1 << 6, FLASH_CR_LOCK = 1 << 7
};

struct pwr { reg32 CR, CSR; };  /* RM0008 5.4 */
enum { PWR_CR_DBP = 1 << 8 };

struct bkp {                    /* RM0008 6.4: 16 bits each, DR1 at 4 */
    reg32 reserved, DR[10], RTCCR, CR, CSR;
};

struct iwdg { reg32 KR, PR, RLR, SR; };         /* RM0008 19.4 */
enum {
    IWDG_KR_FEED = 0xAAAA, IWDG_KR_UNLOCK = 0x5555, IWDG_KR_START = 0xCCCC,
    IWDG_PR_DIV32 = 3
};

struct crc { reg32 DR, IDR, CR; };              /* RM0008 4.4 */
enum { CRC_CR_RESET = 1 };

/* --- pins ------------------------------------------------------------------------- */

struct gpio {                   /* RM0008 9.2 */
    reg32 CRL, CRH;             /* 4 configuration bits a pin: CNF[1:0] MODE[1:0] */
    reg32 IDR, ODR;
    reg32 BSRR;                 /* [15:0] drive high, [31:16] drive low; high wins */
    reg32 BRR, LCKR;
};
/* The four bits of CRL and CRH. */
enum pin_mode {
    PIN_ANALOG = 0x0, PIN_INPUT = 0x4, PIN_INPUT_PULL = 0x8,    /* ODR: up or down */
    PIN_OUTPUT = 0x3, PIN_OUTPUT_SLOW = 0x2, PIN_OPEN_DRAIN = 0x7,
    PIN_ALTERNATE = 0xB
};

struct afio {                   /* RM0008 9.4 */
    reg32 EVCR, MAPR, EXTICR[4], reserved, MAPR2;
};
enum {
    AFIO_MAPR_USART1_REMAP = 1 << 2,            /* TX PB6, RX PB7 */
    AFIO_MAPR_SWJ_OFF = 4 << 24                 /* PA13, 14, 15, PB3, 4 are plain pins */
};

struct exti { reg32 IMR, EMR, RTSR, FTSR, SWIER, PR; };         /* RM0008 10.3 */

/* --- serial, DMA --------------------------------------------------------------------- */

struct usart { reg32 SR, DR, BRR, CR1, CR2, CR3, GTPR; };       /* RM0008 27.6 */
enum {
    USART_SR_PE = 1 << 0, USART_SR_FE = 1 << 1, USART_SR_NE = 1 << 2,
    USART_SR_ORE = 1 << 3, USART_SR_IDLE = 1 << 4, USART_SR_RXNE = 1 << 5,
    USART_SR_TC = 1 << 6,
    USART_CR1_RE = 1 << 2, USART_CR1_TE = 1 << 3, USART_CR1_IDLEIE = 1 << 4,
    USART_CR1_TCIE = 1 << 6, USART_CR1_PEIE = 1 << 8, USART_CR1_PS = 1 << 9,
    USART_CR1_PCE = 1 << 10, USART_CR1_M = 1 << 12, USART_CR1_UE = 1 << 13,
    USART_CR3_EIE = 1 << 0, USART_CR3_DMAR = 1 << 6, USART_CR3_DMAT = 1 << 7
};

struct dma {                    /* RM0008 13.4: channel 1 is CH[0] */
    reg32 ISR, IFCR;
    struct dma_channel { reg32 CCR, CNDTR, CPAR, CMAR, reserved; } CH[7];
};
enum {
    DMA_CCR_EN = 1 << 0, DMA_CCR_TCIE = 1 << 1, DMA_CCR_HTIE = 1 << 2,
    DMA_CCR_DIR = 1 << 4,       /* from memory to the peripheral */
    DMA_CCR_CIRC = 1 << 5, DMA_CCR_MINC = 1 << 7, DMA_CCR_PSIZE_16 = 1 << 8
};

/* --- timers --------------------------------------------------------------------------- */

struct tim {                    /* RM0008 15.4: as much of it as is used */
    reg32 CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR;
};
enum { TIM_CR1_CEN = 1 << 0, TIM_DIER_UIE = 1 << 0 };

/* --- USB --------------------------------------------------------------------------------- */

struct usb {                    /* RM0008 23.5: 16 bits each, accessed as words or halfwords */
    reg32 EPR[8];
    uint32_t reserved[8];
    reg32 CNTR;
    reg32 ISTR;                 /* write 0 to clear, 1 to leave alone */
    reg32 FNR, DADDR, BTABLE;
};
enum {
    USB_CNTR_FRES = 1 << 0, USB_CNTR_PDWN = 1 << 1, USB_CNTR_FSUSP = 1 << 3,
    /* The same bit positions in CNTR (enable) and ISTR (happened). */
    USB_SOF = 1 << 9, USB_RESET = 1 << 10, USB_SUSP = 1 << 11, USB_WKUP = 1 << 12,
    USB_CTR = 1 << 15,
    USB_ISTR_EP_ID = 0xF,
    USB_DADDR_EF = 1 << 7
};
/* Packet memory: 256 halfwords, one in every word; 16-bit accesses only (23.4.2). */
struct pma { reg16 half, pad; };

/* --- the core ----------------------------------------------------------------------------- */

struct systick { reg32 CSR, RVR, CVR, CALIB; };                 /* ARMv7-M B3.3 */
enum { SYSTICK_ENABLE = 1 << 0, SYSTICK_TICKINT = 1 << 1, SYSTICK_CLKSOURCE = 1 << 2 };

struct nvic {                   /* ARMv7-M B3.4, at 0xE000E100 */
    reg32 ISER[32], ICER[32], ISPR[32], ICPR[32], IABR[64];
    volatile uint8_t IPR[240];
};
enum {                          /* RM0008 10.1.2, those that have a handler */
    IRQ_DMA1_CH4 = 14, IRQ_DMA1_CH5 = 15, IRQ_DMA1_CH6 = 16, IRQ_DMA1_CH7 = 17,
    IRQ_USB_LP = 20, IRQ_TIM3 = 29, IRQ_USART1 = 37, IRQ_USART2 = 38
};

struct scb {                    /* ARMv7-M B3.2 */
    reg32 CPUID, ICSR, VTOR, AIRCR, SCR, CCR;
    volatile uint8_t SHPR[12];
    reg32 SHCSR, CFSR, HFSR, DFSR, MMFAR, BFAR;
};
enum {
    SCB_AIRCR_SYSRESET = 0x05FA0004,
    SCB_CCR_BFHFNMIGN = 1 << 8,         /* with FAULTMASK: bus faults of loads are ignored */
    SCB_CFSR_PRECISERR = 1 << 9, SCB_CFSR_BFARVALID = 1 << 15   /* 1 clears */
};

struct dcb { reg32 DHCSR, DCRSR, DCRDR, DEMCR; };               /* ARMv7-M C1.6 */
enum { DCB_DEMCR_TRCENA = 1 << 24 };

struct dwt { reg32 CTRL, CYCCNT; };                             /* ARMv7-M C1.8 */
enum { DWT_CTRL_CYCCNTENA = 1 << 0 };

struct uid { uint32_t WORD[3]; };       /* RM0008 30.2: the 96-bit unique id */

extern struct rcc RCC;
extern struct flash FLASH;
extern struct pwr PWR;
extern struct bkp BKP;
extern struct iwdg IWDG;
extern struct crc CRC;
extern struct gpio GPIOA, GPIOB, GPIOC;
extern struct afio AFIO;
extern struct exti EXTI;
extern struct usart USART1, USART2;
extern struct tim TIM3;
extern struct dma DMA1;
extern struct usb USB;
extern struct pma PMA[256];
extern struct systick SYSTICK;
extern struct nvic NVIC;
extern struct scb SCB;
extern struct dcb DCB;
extern struct dwt DWT;
extern const volatile struct uid UID;
extern const volatile uint16_t FLASH_SIZE;      /* KiB, RM0008 30.1 */

_Static_assert(offsetof(struct rcc, CSR) == 0x24, "RM0008 7.3.10");
_Static_assert(offsetof(struct flash, WRPR) == 0x20, "PM0075 3.8");
_Static_assert(offsetof(struct bkp, RTCCR) == 0x2C, "RM0008 6.4.2");
_Static_assert(offsetof(struct gpio, BSRR) == 0x10, "RM0008 9.2.5");
_Static_assert(offsetof(struct afio, MAPR2) == 0x1C, "RM0008 9.4.7");
_Static_assert(offsetof(struct usart, CR3) == 0x14, "RM0008 27.6.6");
_Static_assert(offsetof(struct tim, ARR) == 0x2C, "RM0008 15.4.12");
_Static_assert(offsetof(struct dma, CH[6]) == 0x80, "RM0008 13.4.3, channel 7");
_Static_assert(offsetof(struct usb, CNTR) == 0x40, "RM0008 23.5.1");
_Static_assert(offsetof(struct usb, BTABLE) == 0x50, "RM0008 23.5.1");
_Static_assert(sizeof(struct pma) == 4, "RM0008 23.4.2");
_Static_assert(offsetof(struct nvic, IPR) == 0x300, "ARMv7-M B3.4");
_Static_assert(offsetof(struct scb, CFSR) == 0x28, "ARMv7-M B3.2.15");
_Static_assert(offsetof(struct scb, BFAR) == 0x38, "ARMv7-M B3.2.18");
_Static_assert(offsetof(struct dcb, DEMCR) == 0x0C, "ARMv7-M C1.6.5");

/* --- instructions that C has no word for (startup.s; a host test fakes them) ------ */

uint32_t interrupts_off(void);                  /* returns what restores the old state */
void interrupts_restore(uint32_t state);
void faults_off(void);                          /* FAULTMASK */
void faults_on(void);
void wait_for_interrupt(void);                  /* wakes even while interrupts are off */

/* --- pins, one at a time --------------------------------------------------------------- */

void pin_mode(struct gpio *port, int pin, enum pin_mode mode);  /* from anywhere: pin.c */
static inline void pin_write(struct gpio *port, int pin, int high)
{
    port->BSRR = 1u << (high ? pin : pin + 16);
}
static inline int pin_read(const struct gpio *port, int pin)
{
    return (int)(port->IDR >> pin & 1);
}

#endif
