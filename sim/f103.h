/* f103.h - what the peripherals of the simulated STM32F103 share: the register block,
 * the pin numbers, and the few wires that run between peripherals inside the chip.
 *
 * A peripheral is a file.  It makes its state, adds one or more register blocks, and
 * hands back nothing but functions that stand for wires: an interrupt line, a clock, a
 * DMA request, an alternate function pin.
 *
 *   called by  f103.c and the files it names     calls  bus.h, cpu.h, wires.h
 *
 * The block (f103.c) settles what RM0008 says of every register alike: the RCC clock
 * gate, the widths that may be used, and how the APB bridges widen a narrow write.  The
 * peripheral then sees whole registers: an offset that is a multiple of 4, 32 bits.
 *
 * Sources: RM0008 rev 21 (registers), DS5319 rev 17 (times, pins), PM0075 (flash),
 * ES096 (errata). */
#ifndef F103_H
#define F103_H

#include "chip.h"
#include "fpec.h"
#include "usbfs.h"

/* Names of the pins: port * 16 + number. */
enum { PA = 0, PB = 16, PC = 32, PD = 48 };

/* Interrupt lines, RM0008 table 63. */
enum {
    IRQ_WWDG = 0, IRQ_PVD, IRQ_TAMPER, IRQ_RTC, IRQ_FLASH, IRQ_RCC, IRQ_EXTI0,
    IRQ_DMA1 = 11, IRQ_ADC = 18, IRQ_USB_HP_CAN_TX, IRQ_USB_LP_CAN_RX0, IRQ_CAN_RX1,
    IRQ_CAN_SCE, IRQ_EXTI9_5, IRQ_TIM1_BRK, IRQ_TIM1_UP,
    IRQ_TIM1_TRG, IRQ_TIM1_CC, IRQ_TIM2, IRQ_TIM3, IRQ_TIM4, IRQ_I2C1_EV,
    IRQ_I2C1_ER, IRQ_I2C2_EV, IRQ_I2C2_ER, IRQ_SPI1, IRQ_SPI2,
    IRQ_USART1, IRQ_USART2, IRQ_USART3, IRQ_EXTI15_10, IRQ_RTC_ALARM, IRQ_USB_WAKEUP,
    IRQ_COUNT = 60                  /* 43 are wired on a medium-density chip */
};

/* EXTI lines that are not pins. */
enum { EXTI_PVD = 16, EXTI_RTC_ALARM = 17, EXTI_USB_WAKEUP = 18 };

/* DMA1 requests, RM0008 table 78; the map to channels is in dma.c. */
enum dma_request {
    DMA_ADC1, DMA_TIM2_CH3, DMA_TIM4_CH1, DMA_USART3_TX, DMA_TIM1_CH1, DMA_TIM2_UP,
    DMA_TIM3_CH3, DMA_SPI1_RX, DMA_USART3_RX, DMA_TIM1_CH2, DMA_TIM3_CH4, DMA_TIM3_UP,
    DMA_SPI1_TX, DMA_USART1_TX, DMA_TIM1_CH4, DMA_TIM1_TRIG, DMA_TIM1_COM, DMA_TIM4_CH2,
    DMA_SPI2_RX, DMA_USART1_RX, DMA_TIM1_UP, DMA_TIM2_CH1, DMA_TIM4_CH3, DMA_SPI2_TX,
    DMA_USART2_RX, DMA_TIM1_CH3, DMA_TIM3_CH1, DMA_TIM3_TRIG, DMA_USART2_TX,
    DMA_TIM2_CH2, DMA_TIM2_CH4, DMA_TIM4_UP, DMA_I2C1_TX, DMA_I2C1_RX, DMA_I2C2_TX,
    DMA_I2C2_RX, DMA_NONE
};

/* Which bus a block hangs on; also which RCC enable and reset register it has. */
enum bridge { ON_AHB, ON_APB2, ON_APB1 };

/* Narrowest access that RM0008 allows for a block. */
enum access { BYTES_OK, HALVES_OK, WORDS_ONLY };

struct f103;

/* The chips of this file: one table each in f103_types.c. */
struct f103_type {
    const char *name;               /* as --target has it */
    uint32_t idcode;                /* DBGMCU_IDCODE */
    int flash_kb, ram_kb;
    uint16_t pins[5];               /* that the package has: GPIOA to GPIOE */
    bool lqfp48;                    /* whose boundary scan cells are known */
    bool connectivity;              /* F105, F107: another PLL, no USB of this kind */
    struct fpec_type fpec;
};
extern const struct f103_type f103_c8;

struct block {
    const char *name;               /* as the manual calls it */
    uint32_t base, size;
    enum bridge bridge;
    int enable_bit;                 /* in RCC_AHBENR/APB2ENR/APB1ENR; -1: no gate */
    enum access access;
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void (*reset)(void *ctx);       /* system reset, or the bit in RCC_APBxRSTR */
    void *ctx;
    bool read_unclocked;            /* a closed gate keeps only writes out */
    /* private to f103.c and rcc.c */
    struct f103 *f103;
    struct bus_region *region;
    bool clocked;
};

#define F103_BLOCKS 48

struct f103 {
    struct chip chip;
    const struct f103_type *type;
    const char *name;               /* "probe": which of the board's chips */
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct block blocks[F103_BLOCKS];
    int block_count;

    struct rcc *rcc;
    struct gpio *gpio;
    struct exti *exti;
    struct fpec *fpec;
    struct dma *dma;
    struct usart *usart[3];
    struct tim *tim[4];
    struct i2c *i2c[2];
    struct mco *mco;
    struct can *can;
    struct bkp *bkp;
    struct wdg *wdg;
    struct crc *crc;
    struct adc *adc;
    struct spi *spi[2];
    struct dbgmcu *dbgmcu;
    struct coredebug *coredebug;

    /* Regions whose cost or contents the chip changes: flash, its alias at 0. */
    struct bus_region *flash_region[2], *boot_region[2];    /* one for each controller */
    uint8_t *system_memory;         /* ST's boot loader, size register, unique id */

    bool crystal;                   /* HSE has one */
    bool debugger_seen;             /* since power-up (ES096, DBGMCU_IDCODE) */
    bool in_reset;
    bool nrst_ours;                 /* we hold our own nRST low for a moment */
    enum reset_cause cause;         /* of the reset in progress */
    bool window_watchdog;           /* RESET_WATCHDOG came from WWDG, not IWDG */
    struct alarm reset_done, vector_reset;
    struct pin nrst, boot0;
    char nrst_name[32], boot0_name[32];
};

struct chip *f103_type_new(struct sim *sim, const struct f103_type *type, const char *name,
                           int flash_kb, uint32_t unique_id);
struct block *f103_add_block(struct f103 *f103, const struct block *block);
/* For firmware's mistakes and our gaps; the chip's name goes in front. */
void f103_report(struct f103 *f103, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The clocks or the flash set-up changed: tells the core and prices the buses. */
void f103_set_costs(struct f103 *f103, uint32_t flash_acr);
/* USB and CAN share their memory, and cannot be used at the same time (RM0008 24.2). */
void f103_check_shared_sram(struct f103 *f103);
void f103_irq(struct f103 *f103, int line, bool level);
/* A reset that begins inside the chip: pulls nRST low for 20 us, then restarts. */
void f103_reset_internal(struct f103 *f103, enum reset_cause cause);

/* rcc.c - clocks as ticks of simulated time a cycle takes; 0 while stopped. */
void rcc_new(struct f103 *f103);
void rcc_free(struct rcc *rcc);
void rcc_power_on(struct rcc *rcc);
void rcc_reset(struct rcc *rcc, enum reset_cause cause);    /* and sets the CSR flags */
sim_time rcc_hclk(const struct rcc *rcc);
sim_time rcc_pclk(const struct rcc *rcc, enum bridge bridge);
sim_time rcc_timclk(const struct rcc *rcc, enum bridge bridge); /* RM0008 7.2 */
sim_time rcc_adcclk(const struct rcc *rcc);
void rcc_adc_on(struct rcc *rcc);                   /* an ADC starts on its clock */
double rcc_rtc_hz(const struct rcc *rcc);           /* 0: RTC has no clock */
bool rcc_hsi_on(const struct rcc *rcc);
void rcc_lsi_force_on(struct rcc *rcc);             /* IWDG started: RM0008 19.3 */
void rcc_crystal(struct rcc *rcc, bool fitted);
void rcc_backup_reset(struct rcc *rcc);             /* VDD and VBAT gone */
void rcc_after_stop(struct rcc *rcc);           /* woke from Stop: HSI runs all */
void rcc_flash_latency_changed(struct rcc *rcc, bool prefetch_too);

/* gpio.c */
void gpio_new(struct f103 *f103);
void gpio_free(struct gpio *gpio);
void gpio_power(struct gpio *gpio, bool on);
void gpio_apply(struct gpio *gpio, int pin);
struct pin *gpio_pin(struct gpio *gpio, const char *name);
struct pin *gpio_pin_number(struct gpio *gpio, int pin);
/* A peripheral's output on a pin: name says whose, NULL lets go. */
void gpio_af_claim(struct gpio *gpio, int pin, const char *owner);
void gpio_af_output(struct gpio *gpio, int pin, bool level);
int gpio_level(struct gpio *gpio, int pin);         /* what an input sees */
/* In boundary scan's EXTEST the pin drives as its cells say. */
void gpio_scan(struct gpio *gpio, int pin, bool taken, enum drive drive);
/* Somebody besides the port's registers would see the pin change. */
bool gpio_is_noticed(const struct gpio *gpio, int pin);
/* Calls changed() at each edge of a pin; remove with the same arguments. */
void gpio_listen(struct gpio *gpio, int pin,
                 void (*changed)(void *ctx, int pin, int level), void *ctx);
void gpio_unlisten(struct gpio *gpio, int pin,
                   void (*changed)(void *ctx, int pin, int level), void *ctx);
/* AFIO_MAPR and AFIO_EXTICR as firmware set them. */
uint32_t afio_mapr(const struct gpio *gpio);
int afio_exti_port(const struct gpio *gpio, int line);
void gpio_trace_pin(struct gpio *gpio, bool traced);    /* DBGMCU_CR.TRACE_IOEN: PB3 */
void gpio_swo(void *gpio, int level);               /* the TPIU's pin */
void gpio_port_spoke(void *gpio);                   /* the debug port: JTAG, or SWD now */

/* exti.c */
void exti_new(struct f103 *f103);
void exti_free(struct exti *exti);
void exti_edge(struct exti *exti, int line, int level);

/* dma.c: a request is a level; a pulse stays until it was served once. */
void dma_new(struct f103 *f103);
void dma_free(struct dma *dma);
void dma_request(struct dma *dma, enum dma_request request, bool level);
void dma_pulse(struct dma *dma, enum dma_request request);
bool dma_is_clocked(const struct dma *dma);
/* Data that the request's channel has still to move; 0: it is off. */
unsigned dma_left(const struct dma *dma, enum dma_request request);

/* tim1_out.c: what TIM1 tells its output stage, and the registers that live there. */
struct tim1_stage {
    uint32_t ccer, cr2;
    sim_time tdts;                  /* the dead time generator's clock */
    bool output[4], ref[4];         /* CCnS = 00; OCnREF */
};
struct tim1_out *tim1_out_new(struct f103 *f103);
void tim1_out_free(struct tim1_out *out);
void tim1_out_reset(struct tim1_out *out);
void tim1_out_remap(struct tim1_out *out, unsigned map);
void tim1_out_update(struct tim1_out *out, const struct tim1_stage *now);
void tim1_out_update_event(struct tim1_out *out);
void tim1_out_break(struct tim1_out *out);
bool tim1_out_break_held(const struct tim1_out *out);
bool tim1_out_drives(const struct tim1_out *out);
uint32_t tim1_out_bdtr(const struct tim1_out *out);
void tim1_out_write_bdtr(struct tim1_out *out, uint32_t value);
uint32_t tim1_out_lock_cr2(struct tim1_out *out, uint32_t before, uint32_t value);
uint32_t tim1_out_lock_ccer(struct tim1_out *out, uint32_t before, uint32_t value);
uint32_t tim1_out_lock_ccmr(struct tim1_out *out, int half, uint32_t before,
                            uint32_t value);

/* boundary_scan.c: gives the debug port its cells. */
void boundary_scan_new(struct f103 *f103);

/* mco.c */
void mco_new(struct f103 *f103);
void mco_free(struct mco *mco);
void mco_clock(struct mco *mco, bool chosen, sim_time period);

/* can.c */
void can_new(struct f103 *f103);
void can_free(struct can *can);
void can_remapped(struct can *can);
bool can_is_awake(const struct can *can);

/* i2c.c */
void i2c_new(struct f103 *f103, int number);
void i2c_free(struct i2c *i2c);
void i2c_remapped(struct i2c *i2c);

/* usart.c, tim.c, adc.c, spi.c, crc.c */
void usart_new(struct f103 *f103, int number);
void usart_free(struct usart *usart);
void usart_remapped(struct usart *usart);           /* AFIO_MAPR changed */
void tim_new(struct f103 *f103, int number);
void tim_free(struct tim *tim);
void tim_remapped(struct tim *tim);
void tim_clock_changes(struct tim *tim, bool before);
void tim_freeze(struct tim *tim, bool frozen);
void tim_break(struct tim *tim);                    /* TIM1's outputs were broken off */
void tim_watch(struct tim *tim);                    /* who looks at it has changed */
/* What starts conversions, RM0008 tables 68 and 69; a timer's are in a row. */
enum adc_trigger {
    ADC_TIM1_CC1, ADC_TIM1_CC2, ADC_TIM1_CC3, ADC_TIM1_CC4, ADC_TIM1_TRGO,
    ADC_TIM2_CC1, ADC_TIM2_CC2, ADC_TIM2_CC3, ADC_TIM2_CC4, ADC_TIM2_TRGO,
    ADC_TIM3_CC1, ADC_TIM3_CC2, ADC_TIM3_CC3, ADC_TIM3_CC4, ADC_TIM3_TRGO,
    ADC_TIM4_CC1, ADC_TIM4_CC2, ADC_TIM4_CC3, ADC_TIM4_CC4, ADC_TIM4_TRGO,
    ADC_EXTI11, ADC_EXTI15, ADC_SOFTWARE
};
void adc_trigger(struct adc *adc, enum adc_trigger trigger);
bool adc_waits_for(struct adc *adc, enum adc_trigger first, enum adc_trigger last);
void adc_new(struct f103 *f103);
void adc_free(struct adc *adc);
bool adc_on(const struct adc *adc);                 /* either of the two */
void spi_new(struct f103 *f103, int number);
void spi_free(struct spi *spi);
void spi_remapped(struct spi *spi);
void crc_new(struct f103 *f103);
void crc_free(struct crc *crc);

/* bkp.c: backup registers, RTC, PWR. */
void bkp_new(struct f103 *f103);
void bkp_free(struct bkp *bkp);
void bkp_backup_reset(struct bkp *bkp);
void bkp_power_on(struct bkp *bkp);
bool bkp_write_enabled(const struct bkp *bkp);      /* PWR_CR.DBP */
void bkp_rtc_clock_changes(struct bkp *bkp, bool before);

/* iwdg.c: both watchdogs. */
void wdg_new(struct f103 *f103);
void wdg_free(struct wdg *wdg);
void wdg_power_off(struct wdg *wdg);
void wdg_chip_starts(struct wdg *wdg);             /* reset is over */
void wdg_freeze(struct wdg *wdg, bool iwdg, bool wwdg);

/* dbgmcu.c */
void dbgmcu_new(struct f103 *f103);
void dbgmcu_free(struct dbgmcu *dbgmcu);
void dbgmcu_power_on(struct dbgmcu *dbgmcu);
bool dbgmcu_stops(void *f103);                      /* Stop: a debugger has no bus */
bool dbgmcu_hides(void *f103, uint32_t address);    /* a debugger sees nothing there */
void dbgmcu_system_memory(struct f103 *f103, int flash_kb, uint32_t unique_id);

#endif
