/* f4_flash.h - inside the flash interface of an STM32F2, F4 or F7; the rest includes f4.h.
 *
 *   f4_flash.c       keys and locks, operations, option bytes, registers
 *   f4_flash_map.c   sectors, banks, views; who may read, write and erase what */
#ifndef F4_FLASH_H
#define F4_FLASH_H

#include "f4.h"

enum { EOP = 1 << 0, OPERR = 1 << 1, WRPERR = 1 << 4, PGAERR = 1 << 5, PGPERR = 1 << 6,
       PGSERR = 1 << 7, RDERR = 1 << 8, BSY = 1 << 16 };                /* SR */
enum { LATENCY = 15, PRFTEN = 1 << 8, ICEN = 1 << 9, DCEN = 1 << 10, ICRST = 1 << 11,
       DCRST = 1 << 12 };                                               /* ACR */
enum { BFB2 = 1 << 4, WWDG_SW = 1 << 4, WDG_SW = 1 << 5, NDBOOT = 1 << 28,
       NDBANK = 1 << 29, DB1M = 1 << 30 };                               /* OPTCR */
#define SPRMOD (1u << 31)

enum { FLASH_BASE = 0x08000000, MAX_SECTORS = 24, MAX_VIEWS = 4, LOCK_BYTES = 16,
       OTP_BLOCKS = 16, MAX_OTP = OTP_BLOCKS * 64 + LOCK_BYTES };

/* Lines of the instruction cache (3.4; an F7's ART accelerator, RM0385 3.3.4) of 128 or 256 bits;
 * which line goes where is our choice. */
enum { CACHE_LINES = 64, NO_LINE = 0xFFFFFFFF };
struct cache_line { uint32_t row; bool old; };

struct f4_sector {
    unsigned number;                /* as the manual counts: bank 2 begins with 12 */
    uint32_t start, size;           /* in the memory */
    int bank;                       /* 0 or 1 */
    const uint16_t *erase_ms;       /* by PSIZE */
};

/* A run of addresses at which flash is seen: one half of it, or all if it is not halved.  The
 * alias at 0 shows what the chip booted from; of an F7's two buses AXIM has the core's caches
 * before it, ITCM the flash's own, and takes no stores. */
struct f4_view {
    struct f4_flash *flash;
    int half;
    enum { VIEW_PLAIN, VIEW_ALIAS, VIEW_AXIM, VIEW_ITCM } kind;
    struct bus_region *region;
};

struct f4_flash {
    struct f4 *f4;
    const struct f4_flash_part *part;
    uint8_t *memory, otp[MAX_OTP];
    uint32_t option_words[4][2];        /* as they read */
    uint32_t acr, sr, cr, optcr[2];     /* OPTCR, OPTCR1 */
    uint32_t options[2], in_force[2];   /* their bits as stored; as loaded at reset */
    int key_step, option_key_step;
    bool jammed, option_jammed;         /* a wrong key: until reset */
    bool intruded;                      /* a debugger has been on the bus since power-on */
    bool writing_options;

    struct f4_sector sectors[MAX_SECTORS];
    int sector_count;
    bool two_banks, swapped;
    struct f4_view views[MAX_VIEWS];
    int view_count;

    sim_time busy_until;                /* 0: idle */
    sim_time bank_busy_until[2];        /* who reads this bank waits until then */
    struct alarm done;
    uint8_t *target, *old;              /* of the operation in progress */
    uint32_t length;
    struct cache_line cache[CACHE_LINES];
};

/* f4_flash_map.c */
void f4_flash_map_new(struct f4_flash *flash);
void f4_flash_map_options(struct f4_flash *flash);      /* new ones are in force */
void f4_flash_apply_protection(struct f4_flash *flash);
int f4_flash_level(uint32_t optcr);                     /* RDP: 0, 1, 2 */
bool f4_flash_shut(const struct f4_flash *flash);
bool f4_flash_pcrop(const struct f4_flash *flash, const struct f4_sector *sector);
bool f4_flash_write_protected(const struct f4_flash *flash, const struct f4_sector *sector);
const struct f4_sector *f4_flash_sector_at(const struct f4_flash *flash, uint32_t offset);
const struct f4_sector *f4_flash_sector(const struct f4_flash *flash, unsigned number);
void f4_flash_make_old(struct f4_flash *flash, uint32_t offset, uint32_t length);
void f4_flash_forget_lines(struct f4_flash *flash);

/* f4_flash.c */
void f4_flash_fail(struct f4_flash *flash, uint32_t flag);
void f4_flash_store(struct f4_flash *flash, uint32_t offset, uint32_t value, int width);

#endif
