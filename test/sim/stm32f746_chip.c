/* stm32f746_chip.c - does the simulated STM32F746ZG do what RM0385 and the Cortex-M7's manual
 * say that an F4 does not: a flash seen by two buses, boot addresses, caches before memory, FPB
 * version 2?
 *
 * What all rows of the model do alike is in stm32f405_chip.c. */
#include "f4_alone.h"

enum { ITCM_RAM = 0, ITCM_FLASH = 0x00200000, SYSTEM = 0x1FF00000, SYSTEM_ITCM = 0x00100000,
       OTP_F7 = 0x1FF0F000, OPTIONS_F7 = 0x1FFF0000, DTCM = 0x20000000, SRAM1 = 0x20010000,
       SRAM2 = 0x2004C000, OPTCR1 = OPTCR + 4, ERSERR = 0x80 };
enum { DELIVERED_0 = (int)0xC0FFAAFC, DELIVERED_1 = 0x00400080 };

#define SCB(offset) (0xE000E000u + (offset))
#define CCR      SCB(0xD14)
#define CCSIDR   SCB(0xD80)
#define CSSELR   SCB(0xD84)
#define ICIALLU  SCB(0xF50)
#define ICIMVAU  SCB(0xF58)
#define DCIMVAC  SCB(0xF5C)
#define DCISW    SCB(0xF60)
#define DCCMVAU  SCB(0xF64)
#define DCCMVAC  SCB(0xF68)
#define DCCSW    SCB(0xF6C)
#define DCCIMVAC SCB(0xF70)
#define DCCISW   SCB(0xF74)
#define CACR     SCB(0xF9C)
enum { DC = 1 << 16, IC = 1 << 17 };

static int power_on(void **state) { (void)state; return power_on_chip("stm32f746"); }

static uint32_t debugger_sees(uint32_t address, bool cacheable)
{
    uint32_t value = 0;
    chip->bus->cacheable = cacheable;
    assert_true(bus_read(chip->bus, BUS_DEBUG, address, 4, &value));
    return value;
}

static void debugger_puts(uint32_t address, uint32_t value, bool cacheable)
{
    chip->bus->cacheable = cacheable;
    assert_true(bus_write(chip->bus, BUS_DEBUG, address, 4, value));
}

static void invalidate_all(void)
{
    put(ICIALLU, 0);
    for (uint32_t way = 0; way < 4; way++)
        for (uint32_t set = 0; set < 32; set++)
            put(DCISW, way << 30 | set << 5);
}

static void caches_on(void)
{
    invalidate_all();
    set_bits(CCR, IC | DC);
}

static uint32_t refused(void)
{
    uint32_t sr = get(SR);
    put(SR, sr & 0xF3);
    return sr;
}

static void write_both_options(uint32_t optcr, uint32_t optcr1)
{
    unlock_options();
    put(OPTCR1, optcr1);
    put(OPTCR, optcr & ~3u);
    put(OPTCR, (optcr & ~3u) | 2);
    busy_us();
    put(OPTCR, optcr | 1);
}

/* --- a program ---------------------------------------------------------------------- */

/* A stack pointer and an entry that tell where they were read. */
static void vectors_at(uint32_t address)
{
    uint32_t vectors[] = { DTCM + 0x1000, address | 0x101 };
    assert_true(bus_load(chip->bus, address, vectors, sizeof vectors));
    assert_true(bus_load(chip->bus, (address & ~0xFFu) + 0x100, "\xFE\xE7", 2));    /* b . */
}

/* A loop in flash, so that the core is alive and may be sent elsewhere. */
static void start_loop(void)
{
    vectors_at(ITCM_FLASH);
    reset();
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself_as_stm32f746(void **state)
{
    (void)state;
    assert_int_equal(get(DBGMCU), 0x10016449);
    assert_int_equal(get(SCB(0xD00)), 0x410FC271);
    assert_int_equal(get_sized(0x1FF0F442, 2), 1024);
    assert_int_not_equal(get(0x1FF0F420), 0xFFFFFFFF);
    assert_int_equal(get(0xE00FDFE0) | get(0xE00FDFE4) << 8 | get(0xE00FDFE8) << 16, 0x0A0449);
    assert_int_equal(get(0xE00FD000), 0x1003);              /* to the processor's table */
    assert_int_equal(get(0xE00FEFE0), 0xC8);
    assert_int_equal(get(0xE00FE000), 0x1003);              /* to that of the PPB */
    assert_int_equal(get(0xE00FFFE0), 0xC7);
    assert_int_equal(get(0xE000EFE0), 0x0C);
    assert_int_equal(get(0xE0002FE0), 0x0E);                /* FPB of an M7 */
    assert_int_equal(get(0xE0040FE0) | get(0xE0040FE4) << 8, 0xB9A9);
}

static void its_memories_are_where_the_manual_has_them(void **state)
{
    static const uint32_t ram[] = { ITCM_RAM, ITCM_RAM + 0x3FFC, DTCM, DTCM + 0xFFFC, SRAM1,
                                    SRAM2 - 4, SRAM2, SRAM2 + 0x3FFC };
    static const uint32_t nothing[] = { 0x4000, 0x00300000, 0x08100000, 0x10000000, 0x20050000,
                                        0x22000000, 0x1FFF7800 };
    (void)state;
    for (uint32_t i = 0; i < 8; i++)
        put(ram[i], i);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(get(ram[i]), i);
    for (int i = 0; i < 7; i++)
        assert_false(bus_read(chip->bus, BUS_DATA, nothing[i], 4, &(uint32_t){ 0 }));
}

static void two_buses_see_one_flash(void **state)
{
    (void)state;
    chip->flash[0x12345] = 0x5A;
    chip->flash[0xFFFFF] = 0xA5;
    assert_int_equal(get_sized(FLASH + 0x12345, 1), 0x5A);
    assert_int_equal(get_sized(ITCM_FLASH + 0x12345, 1), 0x5A);
    assert_int_equal(get_sized(ITCM_FLASH + 0xFFFFF, 1), 0xA5);
    assert_int_equal(get(SYSTEM + 4), get(SYSTEM_ITCM + 4));
}

static void code_runs_from_itcm_ram_too(void **state)
{
    (void)state;
    start_loop();
    put(ITCM_RAM + 0x100, 0xE7FE3001);                      /* adds r0, #1; b . */
    chip->cpu->r[0] = 5;
    step_at(ITCM_RAM + 0x100, 1);
    assert_int_equal(chip->cpu->r[0], 6);
}

/* --- boot --------------------------------------------------------------------------- */

static void it_boots_by_itcm_and_vtor_says_so(void **state)
{
    (void)state;
    assert_int_equal(get(OPTCR1), DELIVERED_1);
    vectors_at(ITCM_FLASH);
    reset();
    assert_int_equal(chip->cpu->r[15], ITCM_FLASH + 0x100);
    assert_int_equal(get(SCB(0xD08)), ITCM_FLASH);
}

static void boot_addresses_are_options_in_steps_of_16_kb(void **state)
{
    static const uint32_t places[] = { FLASH, FLASH + 0x8000, ITCM_FLASH + 0x40000 };
    (void)state;
    for (int i = 0; i < 3; i++) {
        write_both_options(DELIVERED_0, 0x00400000 | places[i] >> 14);
        assert_int_equal(get(OPTIONS_F7 + 0x10) & 0xFFFF, places[i] >> 14);
        vectors_at(places[i]);
        reset();
        assert_int_equal(get(SCB(0xD08)), places[i]);
        assert_int_equal(chip->cpu->r[15], places[i] + 0x100);
    }
}

static void where_nothing_is_it_boots_from_flash(void **state)
{
    static const uint32_t nowhere[] = { 0xFFFF, 0x2200, 0x0001, 0x8014 };
    (void)state;
    vectors_at(ITCM_FLASH);
    for (int i = 0; i < 4; i++) {
        write_both_options(DELIVERED_0, 0x00400000 | nowhere[i]);
        reset();
        assert_int_equal(get(SCB(0xD08)), ITCM_FLASH);
    }
}

static void the_pin_chooses_the_other_address(void **state)
{
    (void)state;
    struct net *net = net_new(board->sim, "BOOT0");
    struct pin strap;
    pin_init(&strap, board->sim, "strap", NULL, NULL);
    net_attach(net, chip->pin(chip, "BOOT0"), false);
    net_attach(net, &strap, false);
    pin_drive(&strap, DRIVE_HIGH);
    reset();
    assert_said(SIM_UNMODELLED, "boot from 0x00100000");
    assert_int_equal(get(SCB(0xD08)), SYSTEM_ITCM);
    write_both_options(DELIVERED_0, 0x80000080);
    vectors_at(DTCM);
    reset();
    assert_int_equal(get(SCB(0xD08)), DTCM);
    net_free(net);
}

static void a_boot_from_ram_is_an_intrusion_and_level_2_refuses_it(void **state)
{
    (void)state;
    write_both_options((uint32_t)DELIVERED_0 ^ 0xAA00, 0x00408000);     /* level 1, DTCM */
    vectors_at(DTCM);
    power_cycle();
    assert_int_equal(get(SCB(0xD08)), DTCM);
    assert_false(bus_read(chip->bus, BUS_DATA, FLASH, 4, &(uint32_t){ 0 }));
    write_both_options(((uint32_t)DELIVERED_0 & 0xFFFF00FF) | 0xCC00, 0x00408000);
    power_cycle();
    assert_int_equal(get(SCB(0xD08)), ITCM_FLASH);
    assert_true(bus_read(chip->bus, BUS_DATA, FLASH, 4, &(uint32_t){ 0 }));
}

/* --- flash -------------------------------------------------------------------------- */

static void each_of_8_sectors_is_erased_alone_in_its_time(void **state)
{
    static const struct { uint32_t at, size; int ms; } sectors[8] = {
        { 0, 0x8000, 250 }, { 0x8000, 0x8000, 250 }, { 0x10000, 0x8000, 250 },
        { 0x18000, 0x8000, 250 }, { 0x20000, 0x20000, 550 }, { 0x40000, 0x40000, 1000 },
        { 0x80000, 0x40000, 1000 }, { 0xC0000, 0x40000, 1000 },
    };
    (void)state;
    unlock();
    for (uint32_t n = 0; n < 8; n++) {
        memset(chip->flash, 0, chip->flash_size);
        put(CR, X32 | SER | n << 3 | STRT);
        assert_in_range((int)(busy_us() / 1000 + 0.5), sectors[n].ms, sectors[n].ms + 1);
        for (uint32_t i = 0; i < chip->flash_size; i += 0x1000)
            assert_int_equal(chip->flash[i], i - sectors[n].at < sectors[n].size ? 0xFF : 0);
    }
    put(CR, X32 | SER | 8 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | MER | STRT);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 8000, 8001);
    assert_int_equal(chip->flash[0], 0xFF);
}

static void a_store_without_pg_sets_erserr(void **state)
{
    (void)state;
    put(FLASH, 0);
    assert_int_equal(refused(), ERSERR);
    assert_said(SIM_RULE, "ERSERR");
    unlock();
    put(CR, X16 | PG);
    put(FLASH, 0);
    assert_int_equal(refused(), PGPERR);
    put_sized(FLASH, 0x1234, 2);
    busy_us();
    assert_int_equal(get_sized(FLASH, 2), 0x1234);
}

static void itcm_takes_no_stores(void **state)
{
    (void)state;
    unlock();
    put(CR, X32 | PG);
    assert_true(faults(ITCM_FLASH, 0));
    assert_int_equal(get(SR), 0);
    assert_int_equal(get(FLASH), 0xFFFFFFFF);
}

static void both_buses_wait_while_it_works(void **state)
{
    (void)state;
    unlock();
    put(CR, X32 | SER | STRT);
    assert_true(*bus_busy(bus_find(chip->bus, FLASH), false) > board->sim->now);
    assert_true(*bus_busy(bus_find(chip->bus, ITCM_FLASH), false) > board->sim->now);
    assert_true(*bus_busy(bus_find(chip->bus, OPTCR1), true) > board->sim->now);
}

static void otp_has_blocks_of_64_bytes(void **state)
{
    (void)state;
    unlock();
    put(CR, PG | X8);
    put_sized(OTP_F7 + 1024 + 1, 0, 1);                     /* locks block 1 */
    busy_us();
    put_sized(OTP_F7 + 64, 0, 1);
    assert_int_equal(refused(), WRPERR);
    put_sized(OTP_F7 + 63, 0, 1);
    assert_int_equal(get(SR), BSY);
    busy_us();
    assert_int_equal(get(OTP_F7 + 60), 0x00FFFFFF);
}

static void option_bytes_are_read_where_they_are(void **state)
{
    (void)state;
    assert_int_equal(get(OPTCR), 0xC0FFAAFD);
    assert_int_equal(get(OPTIONS_F7) & 0xFFFF, 0xAAFF);
    assert_int_equal(get(OPTIONS_F7 + 8) & 0xFFFF, 0xFFFF);
    assert_int_equal(get(OPTIONS_F7 + 0x10) & 0xFFFF, 0x0080);
    assert_int_equal(get(OPTIONS_F7 + 0x18) & 0xFFFF, 0x0040);
    write_both_options(0x80FDAAFC, DELIVERED_1);            /* sector 1, IWDG_STDBY */
    assert_int_equal(get(OPTIONS_F7 + 8) & 0xFFFF, 0xBFFD);
    reset();
    unlock();
    put(CR, X32 | SER | 1 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | MER | STRT);
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | SER | 2 << 3 | STRT);
    assert_int_equal(get(SR), BSY);
}

static void level_1_shuts_both_buses(void **state)
{
    (void)state;
    memset(chip->flash, 0x11, chip->flash_size);
    write_both_options((uint32_t)DELIVERED_0 ^ 0xFF00, DELIVERED_1);
    power_cycle();
    assert_int_equal(get_sized(ITCM_FLASH, 1), 0x11);
    assert_true(debugger_reads(DTCM));
    assert_false(debugger_reads(FLASH));
    assert_false(debugger_reads(ITCM_FLASH));
    assert_false(debugger_reads(OTP_F7));
    assert_true(debugger_reads(0x1FF0F440));
    assert_false(bus_read(chip->bus, BUS_CODE, ITCM_FLASH, 2, &(uint32_t){ 0 }));
    write_both_options(DELIVERED_0, DELIVERED_1);
    reset();
    assert_int_equal(get(FLASH), 0xFFFFFFFF);
}

/* RM0385 3.3.4: what the ART accelerator keeps, it keeps through an erase. */
static void old_lines_of_the_art_accelerator_are_reported(void **state)
{
    (void)state;
    vectors_at(ITCM_FLASH);
    reset();
    put(ACR, 1 << 9);
    step_at(ITCM_FLASH + 0x100, 2);
    unlock();
    put(CR, X32 | SER | STRT);
    busy_us();
    put(CR, X32 | PG);
    put(FLASH + 0x100, 0xE7FEBF00);
    busy_us();
    nobody_complained();
    step_at(ITCM_FLASH + 0x100, 1);
    assert_said(SIM_RULE, "ARTRST");
    put(ACR, 0);
    put(ACR, 1 << 11);
    put(ACR, 1 << 9);
    unsigned before = rules_broken();
    step_at(ITCM_FLASH + 0x100, 1);
    assert_int_equal(rules_broken(), before);
    put(ACR, 1 << 9 | 1 << 11);
    assert_said(SIM_RULE, "reset while it is enabled");
}

/* --- caches: registers -------------------------------------------------------------- */

static void cache_registers_tell_two_caches_of_4_kb(void **state)
{
    (void)state;
    assert_int_equal(get(SCB(0xD78)), 0x09000003);
    assert_int_equal(get(SCB(0xD7C)), 0x8303C003);
    put(CSSELR, 0);
    assert_int_equal(get(CCSIDR), 0xF003E019);
    put(CSSELR, 1);
    assert_int_equal(get(CCSIDR), 0xF007E009);
    assert_int_equal(get(CCR), 0x40200);                    /* BP, STKALIGN: always */
    put(CCR, 0);
    assert_int_equal(get(CCR), 0x40200);
    assert_int_equal(get(DCCIMVAC), 0);
}

static void a_cache_that_was_not_emptied_is_not_switched_on(void **state)
{
    (void)state;
    set_bits(CCR, DC);
    assert_said(SIM_RULE, "data cache is switched on");
    reset();
    put(ICIALLU, 0);
    set_bits(CCR, IC);
    nobody_complained();
    reset();
    caches_on();
    assert_int_equal(get(CCR) & (IC | DC), IC | DC);
    nobody_complained();
    reset();
    assert_int_equal(get(CCR) & (IC | DC), 0);
}

/* --- caches: data ------------------------------------------------------------------- */

static void what_the_core_wrote_is_not_in_memory_yet(void **state)
{
    (void)state;
    put(SRAM1, 1);
    put(DTCM, 1);
    caches_on();
    put(SRAM1, 2);
    put(DTCM, 2);
    assert_int_equal(get(SRAM1), 2);
    assert_int_equal(debugger_sees(SRAM1, false), 1);
    assert_int_equal(debugger_sees(SRAM1, true), 2);
    assert_int_equal(debugger_sees(DTCM, false), 2);        /* no cache before a TCM */
}

static void cleaning_brings_it_there(void **state)
{
    const uint32_t cleaners[] = { DCCMVAC, DCCMVAU, DCCIMVAC };
    (void)state;
    caches_on();
    for (uint32_t i = 0; i < 3; i++) {
        put(SRAM1 + 0x44, 7 + i);
        assert_int_not_equal(debugger_sees(SRAM1 + 0x44, false), 7 + i);
        debugger_puts(cleaners[i], SRAM1 + 0x40, false);
        assert_int_equal(debugger_sees(SRAM1 + 0x44, false), 7 + i);
    }
    put(SRAM1 + 0x44, 20);
    for (uint32_t way = 0; way < 4; way++)
        debugger_puts(DCCSW, way << 30 | 2 << 5, false);    /* set 2 */
    assert_int_equal(debugger_sees(SRAM1 + 0x44, false), 20);
    put(SRAM1 + 0x44, 21);
    for (uint32_t way = 0; way < 4; way++)
        debugger_puts(DCCISW, way << 30 | 2 << 5, false);
    assert_int_equal(debugger_sees(SRAM1 + 0x44, false), 21);
}

static void invalidating_alone_loses_it(void **state)
{
    (void)state;
    put(SRAM1, 1);
    caches_on();
    put(SRAM1, 2);
    put(DCIMVAC, SRAM1 + 0x1C);
    assert_int_equal(get(SRAM1), 1);
}

static void what_a_debugger_writes_beside_the_cache_is_not_seen(void **state)
{
    (void)state;
    caches_on();
    get(SRAM1);
    debugger_puts(SRAM1, 0x1111, false);
    assert_int_not_equal(get(SRAM1), 0x1111);
    put(DCCIMVAC, SRAM1);                                   /* clean line: nothing is lost */
    assert_int_equal(get(SRAM1), 0x1111);
    put(SRAM1 + 4, 5);
    debugger_puts(SRAM1, 0x2222, false);
    put(DCCIMVAC, SRAM1);                                   /* dirty: what was written is */
    assert_int_equal(get(SRAM1), 0x1111);
    debugger_puts(SRAM1, 0x3333, true);                     /* through the cache it is well */
    assert_int_equal(get(SRAM1), 0x3333);
    debugger_puts(SRAM1 + 0x8000, 0x4444, true);            /* a miss goes to memory */
    assert_int_equal(debugger_sees(SRAM1 + 0x8000, false), 0x4444);
}

static void a_line_makes_room_and_is_written_back(void **state)
{
    (void)state;
    caches_on();
    for (uint32_t i = 0; i < 5; i++)
        put(SRAM1 + 0x400 * i, 100 + i);                    /* one set of four ways */
    int old = 0;
    for (uint32_t i = 0; i < 5; i++)
        old += debugger_sees(SRAM1 + 0x400 * i, false) != 100 + i;
    assert_int_equal(old, 4);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(get(SRAM1 + 0x400 * i), 100 + i);
}

static void forcewt_writes_through(void **state)
{
    (void)state;
    put(CACR, 1 << 2);
    caches_on();
    put(SRAM2, 9);
    assert_int_equal(debugger_sees(SRAM2, false), 9);
    assert_int_equal(get(SRAM2), 9);
}

static void narrow_accesses_meet_in_the_cache(void **state)
{
    (void)state;
    caches_on();
    put(SRAM1, 0x44332211);
    put_sized(SRAM1 + 1, 0xAA, 1);
    put_sized(SRAM1 + 2, 0xBBCC, 2);
    assert_int_equal(get(SRAM1), 0xBBCCAA11);
    assert_int_equal(get_sized(SRAM1 + 2, 2), 0xBBCC);
}

static void a_reset_forgets_no_line(void **state)
{
    (void)state;
    put(SRAM1, 1);
    caches_on();
    put(SRAM1, 2);
    reset();
    assert_int_equal(get(SRAM1), 1);                        /* off: memory */
    set_bits(CCR, DC);
    assert_int_equal(get(SRAM1), 2);                        /* and what was kept */
    invalidate_all();
    assert_int_equal(get(SRAM1), 1);
}

static void flash_that_was_programmed_is_old_in_the_data_cache(void **state)
{
    (void)state;
    caches_on();
    assert_int_equal(get(FLASH + 0x40), 0xFFFFFFFF);
    unlock();
    put(CR, X32 | PG);
    put(FLASH + 0x40, 0x12345678);
    busy_us();
    assert_int_equal(get(FLASH + 0x40), 0xFFFFFFFF);
    assert_int_equal(get(ITCM_FLASH + 0x40), 0x12345678);   /* no cache of the core there */
    put(DCIMVAC, FLASH + 0x40);
    assert_int_equal(get(FLASH + 0x40), 0x12345678);
}

/* --- caches: instructions ----------------------------------------------------------- */

static uint32_t runs(uint32_t address)
{
    chip->cpu->r[0] = 0;
    chip->cpu->pipeline.line = UINT32_MAX - 1;
    step_at(address, 1);
    return chip->cpu->r[0];
}

static void code_that_was_changed_runs_as_it_was(void **state)
{
    (void)state;
    start_loop();
    put(SRAM1, 0xE7FE2011);                                 /* movs r0, #0x11; b . */
    caches_on();
    assert_int_equal(runs(SRAM1), 0x11);
    debugger_puts(SRAM1, 0xE7FE2022, true);
    assert_int_equal(runs(SRAM1), 0x11);
    put(ICIMVAU, SRAM1 + 4);
    assert_int_equal(runs(SRAM1), 0x22);
    debugger_puts(SRAM1, 0xE7FE2033, false);
    put(ICIALLU, 0);
    assert_int_equal(runs(SRAM1), 0x33);
}

static void code_in_a_dirty_line_is_fetched_from_memory(void **state)
{
    (void)state;
    start_loop();
    put(SRAM1, 0xE7FE2011);
    caches_on();
    put(SRAM1, 0xE7FE2022);                                 /* a program that copies code */
    assert_int_equal(runs(SRAM1), 0x11);
    put(DCCMVAU, SRAM1);
    put(ICIMVAU, SRAM1);
    assert_int_equal(runs(SRAM1), 0x22);
}

/* --- debug units -------------------------------------------------------------------- */

static void breakpoints_are_those_of_fpb_version_2(void **state)
{
    (void)state;
    start_loop();
    assert_int_equal(debugger_sees(0xE0002000, false), 0x10000080);
    assert_int_equal(debugger_sees(0xE0002004, false), 0);  /* no remapping */
    debugger_puts(0xE0002000, 3, false);
    debugger_puts(0xE0002008, 0x20010003, false);
    assert_int_equal(debugger_sees(0xE0002008, false), 0x20010003);
    debugger_puts(0xE0002024, 0x0800FFFF, false);           /* the eighth */
    assert_int_equal(debugger_sees(0xE0002024, false), 0x0800FFFF);
    debugger_puts(0xE0002028, 0x0800FFFF, false);
    assert_int_equal(debugger_sees(0xE0002028, false), 0);
    debugger_puts(0xE000EDF0, 0xA05F0001, false);
    put(SRAM1, 0x30013001);                                 /* adds r0, #1, twice */
    put(SRAM1 + 4, 0xE7FE3001);
    chip->cpu->r[0] = 0;
    chip->cpu->r[15] = SRAM1;
    chip->cpu->halted = false;
    board_run_ms(board, 0.01);
    assert_true(chip->cpu->halted);
    assert_int_equal(chip->cpu->r[15], SRAM1 + 2);          /* at the upper halfword, in RAM */
    assert_int_equal(chip->cpu->r[0], 1);
}

static void a_comparator_set_as_for_version_1_stops_nothing(void **state)
{
    (void)state;
    start_loop();
    debugger_puts(0xE0002000, 3, false);
    debugger_puts(0xE0002008, 0x40000000 | (FLASH + 0x100) | 1, false);
    debugger_puts(0xE000EDF0, 0xA05F0001, false);
    chip->cpu->r[15] = FLASH + 0x100;
    chip->cpu->halted = false;
    board_run_ms(board, 0.01);
    assert_false(chip->cpu->halted);
    debugger_puts(0xE0002008, (FLASH + 0x100) | 1, false);
    board_run_ms(board, 0.01);
    assert_true(chip->cpu->halted);
}

static void four_watchpoints_are_there(void **state)
{
    (void)state;
    debugger_puts(0xE000EDFC, 1 << 24, false);
    assert_int_equal(debugger_sees(0xE0001000, false) >> 28, 4);
    assert_int_equal(debugger_sees(0xE0001FE0, false), 0x02);
}

/* ES0290: Cortex-M7 r0p1, erratum 702596. */
static void a_mask_does_not_hold_what_was_pending_before(void **state)
{
    (void)state;
    vectors_at(ITCM_FLASH);
    for (uint32_t i = 1; i < 120; i++)                      /* all handlers: b . at 0x200 */
        assert_true(bus_load(chip->bus, ITCM_FLASH + 0x400 + 4 * i,
                             &(uint32_t){ ITCM_FLASH + 0x201 }, 4));
    assert_true(bus_load(chip->bus, ITCM_FLASH + 0x200, "\xFE\xE7", 2));
    reset();
    put(SCB(0xD08), ITCM_FLASH + 0x400);
    put(SCB(0x100), 3);                                     /* enable interrupts 0 and 1 */
    debugger_puts(0xE000EDF0, 0xA05F0003, false);
    put(SCB(0x200), 1);                                     /* pending, and then the mask */
    debugger_puts(0xE000EDF0, 0xA05F000B, false);
    put(SCB(0x200), 2);                                     /* the mask, and then pending */
    debugger_puts(0xE000EDF0, 0xA05F000D, false);
    for (int i = 0; i < 4 && !chip->cpu->halted; i++)
        cpu_step(chip->cpu);
    assert_true(chip->cpu->halted);
    assert_int_equal(chip->cpu->exception, 16);
    assert_int_equal(get(SCB(0x200)), 2);
}

/* --- clocks, watchdogs, serial port --------------------------------------------------- */

static void it_reaches_216_mhz_in_over_drive(void **state)
{
    (void)state;
    set_bits(APB1ENR, 1 << 28);
    set_bits(PWR, 1 << 16);
    set_bits(PWR, 1 << 17);
    set_bits(RCC, 1 << 16);
    board_run_ms(board, 2.1);
    put(RCC + 4, 8 | 432 << 6 | 1 << 22 | 9 << 24);
    set_bits(RCC, 1 << 24);
    board_run_ms(board, 0.3);
    put(ACR, 7 | 1 << 8 | 1 << 9);
    put(RCC + 8, 5 << 10 | 4 << 13);
    put(RCC + 8, 5 << 10 | 4 << 13 | 2);
    assert_in_range(chip->cpu->cycle * 216 / (SIM_SECOND / 1000000), 0, 1);
    nobody_complained();
    put(ACR, 6);
    assert_said(SIM_RULE, "6 wait states at HCLK 216 MHz");
}

static void the_independent_watchdog_has_a_window(void **state)
{
    (void)state;
    put(CSR, 1 << 24);
    put(IWDG, 0x5555);
    put(IWDG + 0x10, 0x7FF);                                /* half of the 512 ms */
    assert_int_equal(get(IWDG + 0xC), 4);                   /* WVU */
    board_run_ms(board, 1);
    assert_int_equal(get(IWDG + 0xC), 0);
    put(IWDG, 0xCCCC);
    board_run_ms(board, 300);
    put(IWDG, 0xAAAA);
    board_run_ms(board, 100);
    assert_int_equal(get(CSR) >> 24, 0);
    put(IWDG, 0xAAAA);                                      /* too early */
    board_run_ms(board, 1);
    assert_int_equal(get(CSR) >> 24, 0x24);
}

static void both_watchdogs_may_run_from_reset_on(void **state)
{
    (void)state;
    vectors_at(ITCM_FLASH);
    write_both_options((uint32_t)DELIVERED_0 & ~(1u << 4), DELIVERED_1);        /* WWDG_SW */
    power_cycle();
    put(CSR, 1 << 24);
    board_run_ms(board, 20);
    assert_int_equal(get(CSR) >> 24 & 0x40, 0x40);
    put(DBGMCU + 8, 0x1800);
    chip->cpu->halted = true;
    write_both_options((uint32_t)DELIVERED_0 & ~(1u << 5), DELIVERED_1);        /* IWDG_SW */
    power_cycle();
    put(CSR, 1 << 24);
    board_run_ms(board, 520);
    assert_int_equal(get(CSR) >> 24 & 0x20, 0x20);
}

static void a_usart_of_the_newer_kind_talks_to_itself(void **state)
{
    (void)state;
    struct net *wire = net_new(board->sim, "wire");
    net_attach(wire, chip->pin(chip, "PA2"), false);
    net_attach(wire, chip->pin(chip, "PA3"), false);
    set_bits(AHB1ENR, 1);
    set_bits(APB1ENR, 1 << 17);
    put(GPIOA + 0x20, 7 << 8 | 7 << 12);
    put(GPIOA, 0xA8000000 | 2 << 4 | 2 << 6);
    assert_int_equal(get(USART2 + 0x1C), 0xC0);
    put(USART2 + 0xC, 139);
    put(USART2, 1 | 1 << 3 | 1 << 2);
    assert_int_equal(get(USART2 + 0x1C), 0x6000C0);         /* TEACK, REACK */
    nobody_complained();
    put(USART2 + 0xC, 1);                                   /* not while UE is 1 */
    assert_int_equal(get(USART2 + 0xC), 139);
    assert_said(SIM_FORGIVEN, "BRR");
    put(USART2 + 0x28, 0xA5);
    board_run_ms(board, 0.1);
    assert_int_equal(get(USART2 + 0x1C) & 0x60, 0x60);      /* RXNE, TC */
    assert_int_equal(get(USART2 + 0x24), 0xA5);
    assert_int_equal(get(USART2 + 0x1C) & 0x60, 0x40);
    put(USART2 + 0x20, 1 << 6);                             /* TCCF */
    assert_int_equal(get(USART2 + 0x1C) & 0x40, 0);
    for (int i = 0; i < 2; i++) {
        put(USART2 + 0x28, 1);
        board_run_ms(board, 0.1);
    }
    assert_true(get(USART2 + 0x1C) & 1 << 3);               /* ORE */
    put(USART2 + 0x20, 1 << 3);
    assert_false(get(USART2 + 0x1C) & 1 << 3);
    nobody_complained();
    net_free(wire);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_stm32f746),
        T(its_memories_are_where_the_manual_has_them),
        T(two_buses_see_one_flash),
        T(code_runs_from_itcm_ram_too),
        T(it_boots_by_itcm_and_vtor_says_so),
        T(boot_addresses_are_options_in_steps_of_16_kb),
        T(where_nothing_is_it_boots_from_flash),
        T(the_pin_chooses_the_other_address),
        T(a_boot_from_ram_is_an_intrusion_and_level_2_refuses_it),
        T(each_of_8_sectors_is_erased_alone_in_its_time),
        T(a_store_without_pg_sets_erserr),
        T(itcm_takes_no_stores),
        T(both_buses_wait_while_it_works),
        T(otp_has_blocks_of_64_bytes),
        T(option_bytes_are_read_where_they_are),
        T(level_1_shuts_both_buses),
        T(old_lines_of_the_art_accelerator_are_reported),
        T(cache_registers_tell_two_caches_of_4_kb),
        T(a_cache_that_was_not_emptied_is_not_switched_on),
        T(what_the_core_wrote_is_not_in_memory_yet),
        T(cleaning_brings_it_there),
        T(invalidating_alone_loses_it),
        T(what_a_debugger_writes_beside_the_cache_is_not_seen),
        T(a_line_makes_room_and_is_written_back),
        T(forcewt_writes_through),
        T(narrow_accesses_meet_in_the_cache),
        T(a_reset_forgets_no_line),
        T(flash_that_was_programmed_is_old_in_the_data_cache),
        T(code_that_was_changed_runs_as_it_was),
        T(code_in_a_dirty_line_is_fetched_from_memory),
        T(breakpoints_are_those_of_fpb_version_2),
        T(a_comparator_set_as_for_version_1_stops_nothing),
        T(four_watchpoints_are_there),
        T(a_mask_does_not_hold_what_was_pending_before),
        T(it_reaches_216_mhz_in_over_drive),
        T(the_independent_watchdog_has_a_window),
        T(both_watchdogs_may_run_from_reset_on),
        T(a_usart_of_the_newer_kind_talks_to_itself),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
