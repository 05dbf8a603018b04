/* l4_flash.h - what l4_flash.c (memory, erasing, programming) and l4_options.c (option words
 * and what they protect) share.
 *
 * Offsets are those of the memory itself, bank 1 first, whatever is seen at which address. */
#ifndef L4_FLASH_H
#define L4_FLASH_H

#include "l4.h"

enum { L4_FLASH_BASE = 0x08000000, L4_OPTION_BASE = 0x1FFF7800, L4_OTP_SIZE = 1024,
       L4_LINES = 32 };

/* SR */
enum { L4_EOP = 1 << 0, L4_OPERR = 1 << 1, L4_PROGERR = 1 << 3, L4_WRPERR = 1 << 4,
       L4_PGAERR = 1 << 5, L4_SIZERR = 1 << 6, L4_PGSERR = 1 << 7, L4_MISERR = 1 << 8,
       L4_FASTERR = 1 << 9, L4_RDERR = 1 << 14, L4_OPTVERR = 1 << 15 };
/* CR */
enum { L4_PG = 1 << 0, L4_PER = 1 << 1, L4_MER1 = 1 << 2, L4_MER2 = 1 << 15,
       L4_STRT = 1 << 16, L4_OPTSTRT = 1 << 17, L4_FSTPG = 1 << 18, L4_EOPIE = 1 << 24,
       L4_ERRIE = 1 << 25, L4_RDERRIE = 1 << 26, L4_OBL_LAUNCH = 1 << 27,
       L4_SEC_PROT = 1 << 28, L4_SEC_PROT2 = 1 << 29, L4_OPTLOCK = 1 << 30 };
#define L4_LOCK (1u << 31)

/* Half of the flash as it is seen: its bank may be the other one. */
struct l4_half { struct l4_flash *flash; int number; };

struct cache_line { uint32_t at; bool old; };

/* A word that was stored and waits for the other half of its double word. */
struct half_word { bool there; uint8_t *at; uint32_t value; };

/* Fast programming of a row: words so far, and when what came so far will be done. */
struct fast_row { int words; uint32_t offset; sim_time end; struct alarm timeout; };

struct l4_flash {
    struct l4 *l4;
    const struct l4_type *type;
    uint8_t *memory, *old, otp[L4_OTP_SIZE];
    bool *spoilt;                       /* by double words: the ECC does not fit */
    uint32_t spoilt_count;
    uint32_t acr, sr, cr, eccr[L4_BANKS];
    uint32_t registers[L4_OPTIONS], stored[L4_OPTIONS], in_force[L4_OPTIONS];
    bool broken;                        /* the stored words do not fit their complements */
    bool was_one;                       /* the two banks are interleaved as one */
    int key_step, option_key_step;
    bool jammed, option_jammed;         /* a wrong key: until reset */
    bool intruded;                      /* a debugger has been on the bus since power-on */
    bool swapped, empty;
    bool secured[L4_BANKS];             /* SEC_PROT: until reset */

    struct half_word half;
    struct fast_row fast;
    uint32_t erased_from, erased_to;    /* by the last operation, for fast programming */

    sim_time busy_until, writes_until, bank_until[L4_BANKS];    /* 0: idle */
    struct alarm done;
    uint8_t *target;                    /* of the operation in progress */
    uint32_t length;
    bool writing_options;

    struct l4_half halves[L4_BANKS];
    struct bus_region *main[L4_BANKS], *boot[L4_BANKS];
    uint8_t option_words[2][128];       /* at 0x1FFF7800 and 0x1FFFF800 */
    struct cache_line cache[L4_LINES];
};

/* l4_flash.c */
void l4_flash_map(struct l4_flash *flash);          /* who is seen where has changed */
void l4_flash_rule(struct l4_flash *flash, const char *what);
void l4_flash_fail(struct l4_flash *flash, uint32_t flags);
void l4_flash_begin(struct l4_flash *flash, uint8_t *target, uint32_t length, int banks,
                    sim_time time);
void l4_flash_blank(struct l4_flash *flash, uint32_t offset, uint32_t length);
static inline uint32_t l4_bank_size(const struct l4_flash *flash)
{
    return flash->type->flash_size / (uint32_t)flash->type->banks;
}

/* l4_options.c */
void l4_options_new(struct l4_flash *flash);
void l4_options_load(struct l4_flash *flash);
void l4_options_reset(struct l4_flash *flash);          /* registers show what is in force */
void l4_options_interrupted(struct l4_flash *flash);    /* power failed meanwhile */
bool l4_options_has(const struct l4_flash *flash, uint32_t reg);
uint32_t l4_options_read(const struct l4_flash *flash, uint32_t reg);
void l4_options_write(struct l4_flash *flash, uint32_t reg, uint32_t value);
void l4_options_start(struct l4_flash *flash);          /* OPTSTRT */
int l4_options_level(const struct l4_flash *flash);
bool l4_options_shut(const struct l4_flash *flash);
bool l4_options_dual(const struct l4_flash *flash);     /* reads of one bank do not wait */
bool l4_options_one_run(const struct l4_flash *flash);  /* larger pages, across both banks */
bool l4_options_write_protected(const struct l4_flash *flash, uint32_t from, uint32_t length);
bool l4_options_execute_only(const struct l4_flash *flash, uint32_t offset);
bool l4_options_secured(const struct l4_flash *flash, uint32_t offset);
bool l4_options_plain(const struct l4_flash *flash, int bank);  /* anybody may read it */

#endif
