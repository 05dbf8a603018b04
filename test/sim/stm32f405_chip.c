/* stm32f405_chip.c - does the simulated STM32F405RG do what RM0090 says, and complain where
 * it forbids?
 *
 * Registers are driven as the core would, on its bus; the core executes nothing but a small
 * loop where a test needs it.  Addresses and bits are written out from the manual again. */
#include "f4_alone.h"

static int power_on(void **state) { (void)state; return power_on_chip("stm32f405"); }

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself_as_stm32f405rg(void **state)
{
    (void)state;
    assert_int_equal(get(DBGMCU), 0x10076413);
    assert_int_equal(get(0xE000ED00), 0x410FC241);
    assert_int_equal(get_sized(0x1FFF7A22, 2), 1024);
    assert_int_not_equal(get(0x1FFF7A10), 0xFFFFFFFF);
    assert_int_equal(get(0xE000ED14), 0x200);               /* CCR.STKALIGN */
    assert_int_equal(get(0xE00FFFE0) | get(0xE00FFFE4) << 8 | get(0xE00FFFE8) << 16, 0x0A0413);
    assert_int_equal(get(0xE000EFE0), 0x0C);                /* the SCS of a Cortex-M4 */
    assert_int_equal(get(0xE0040FE0), 0xA1);                /* its TPIU */
}

static void flash_is_seen_at_0_too(void **state)
{
    (void)state;
    chip->flash[0x12345] = 0x5A;
    assert_int_equal(get_sized(FLASH + 0x12345, 1), 0x5A);
    assert_int_equal(get_sized(0x12345, 1), 0x5A);
    assert_false(bus_read(chip->bus, BUS_DATA, FLASH + 0x100000, 4, &(uint32_t){ 0 }));
}

/* 2.1.6: the CCM is on the D-bus only. */
static void ccm_holds_data_and_executes_nothing(void **state)
{
    (void)state;
    put(CCM + 0xFFFC, 0x12345678);
    assert_int_equal(get(CCM + 0xFFFC), 0x12345678);
    assert_true(debugger_reads(CCM));
    start_program();
    put(CCM, 0xE7FEE7FE);
    step_at(CCM, 3);
    assert_int_equal(chip->cpu->r[15], FLASH + 0x20);
    assert_int_equal(get(0xE000ED28) & 0x100, 0x100);       /* CFSR.IBUSERR */
}

static void both_kinds_of_sram_are_one_run_of_128_kb(void **state)
{
    (void)state;
    put(RAM + 0x1BFFC, 1);
    put(RAM + 0x1C000, 2);
    put(RAM + 0x1FFFC, 3);
    assert_int_equal(get(RAM + 0x1BFFC) + get(RAM + 0x1C000) + get(RAM + 0x1FFFC), 6);
    assert_false(bus_read(chip->bus, BUS_DATA, RAM + 0x20000, 4, &(uint32_t){ 0 }));
}

static void its_fpu_is_shut_until_cpacr_opens_it(void **state)
{
    (void)state;
    start_program();
    assert_int_equal(get(0xE000EF40), 0x10110021);          /* MVFR0 of FPv4-SP */
    put(RAM, 0x0A0EEE37);                                   /* vadd.f32 s0, s14, s28 */
    step_at(RAM, 1);
    assert_int_equal(get(0xE000ED28), 1 << 19);             /* CFSR.NOCP */
    start_program();
    put(0xE000ED88, 0xF << 20);
    chip->cpu->fpu.s[14] = 0x3FC00000;                      /* 1.5 */
    chip->cpu->fpu.s[28] = 0x40200000;                      /* 2.5 */
    step_at(RAM, 1);
    assert_int_equal(chip->cpu->fpu.s[0], 0x40800000);
    assert_int_equal(get(0xE000ED28), 0);
}

static void it_has_the_dsp_extension(void **state)
{
    (void)state;
    start_program();
    put(RAM, 0xF002FB21);                                   /* smuad r0, r1, r2 */
    chip->cpu->r[1] = 0x00030005;
    chip->cpu->r[2] = 0xFFFF0007;
    step_at(RAM, 1);
    assert_int_equal(chip->cpu->r[0], 5 * 7 - 3);
}

static void an_absent_peripheral_is_reported_by_name(void **state)
{
    (void)state;
    get(0x40012000);
    assert_said(SIM_UNMODELLED, "ADC");
}

/* --- flash: keys and locks ---------------------------------------------------------- */

static void two_keys_open_it_and_lock_closes_it(void **state)
{
    (void)state;
    assert_int_equal(get(CR), LOCK);
    unlock();
    assert_int_equal(get(CR), 0);
    put(CR, LOCK);
    assert_int_equal(get(CR), LOCK);
    put(CR, SER);                                           /* ignored now */
    assert_int_equal(get(CR), LOCK);
    assert_said(SIM_RULE, "while locked");
    unlock();
    assert_int_equal(get(CR), 0);
    nobody_complained();
}

static void a_wrong_key_faults_and_locks_until_reset(void **state)
{
    static const uint32_t wrong[][2] = { { 0x45670124, 0 }, { 0x45670123, 0x45670123 },
                                         { 0xCDEF89AB, 0 } };
    (void)state;
    for (int i = 0; i < 3; i++) {
        if (wrong[i][1])
            put(KEYR, wrong[i][0]);
        assert_true(faults(KEYR, wrong[i][wrong[i][1] != 0]));
        assert_true(faults(KEYR, 0x45670123));
        assert_true(faults(KEYR, 0xCDEF89AB));
        assert_int_equal(rules_broken(), 3 * (i + 1));
        assert_int_equal(get(CR), LOCK);
        reset();
        unlock();
        assert_int_equal(get(CR), 0);
        reset();
    }
}

static void keys_when_it_is_open_lock_it_until_reset(void **state)
{
    (void)state;
    unlock();
    assert_true(faults(KEYR, 0x45670123));
    assert_int_equal(get(CR), LOCK);
    assert_true(faults(KEYR, 0x45670123));
    reset();
    unlock();
    assert_int_equal(get(CR), 0);
}

static void the_options_have_keys_and_a_lock_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
    put(OPTCR, 0x0FFFAAEC);
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
    assert_said(SIM_RULE, "OPTCR written while locked");
    unlock_options();
    assert_int_equal(get(OPTCR), 0x0FFFAAEC);
    assert_int_equal(get(CR), LOCK);
    put(OPTCR, 0x0FFFAAED);
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
    assert_true(faults(OPTKEYR, 0x45670123));
    assert_true(faults(OPTKEYR, 0x08192A3B));
    reset();
    unlock_options();
    assert_int_equal(get(OPTCR), 0x0FFFAAEC);
}

/* --- flash: erasing ----------------------------------------------------------------- */

static void each_sector_is_erased_alone_in_its_time(void **state)
{
    static const struct { uint32_t at, size; int ms; } sectors[12] = {
        { 0, 0x4000, 250 }, { 0x4000, 0x4000, 250 }, { 0x8000, 0x4000, 250 },
        { 0xC000, 0x4000, 250 }, { 0x10000, 0x10000, 550 }, { 0x20000, 0x20000, 1000 },
        { 0x40000, 0x20000, 1000 }, { 0x60000, 0x20000, 1000 }, { 0x80000, 0x20000, 1000 },
        { 0xA0000, 0x20000, 1000 }, { 0xC0000, 0x20000, 1000 }, { 0xE0000, 0x20000, 1000 },
    };
    (void)state;
    unlock();
    for (uint32_t n = 0; n < 12; n++) {
        memset(chip->flash, 0, chip->flash_size);
        put(CR, X32 | SER | n << 3);
        put(CR, X32 | SER | n << 3 | STRT);
        assert_int_equal(get(CR), X32 | SER | n << 3 | STRT);
        assert_in_range((int)(busy_us() / 1000 + 0.5), sectors[n].ms, sectors[n].ms + 1);
        assert_int_equal(get(CR), X32 | SER | n << 3);      /* STRT goes by itself */
        for (uint32_t i = 0; i < chip->flash_size; i += 0x1000) {
            bool inside = i - sectors[n].at < sectors[n].size;
            assert_int_equal(chip->flash[i], inside ? 0xFF : 0);
            assert_int_equal(chip->flash[i + 0xFFF], inside ? 0xFF : 0);
        }
    }
    assert_int_equal(get(SR), 0);                           /* no EOP without EOPIE */
    nobody_complained();
}

static void a_narrower_psize_erases_slower(void **state)
{
    (void)state;
    unlock();
    put(CR, X8 | SER | STRT);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 400, 401);
    put(CR, X16 | SER | 4 << 3 | STRT);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 700, 701);
    put(CR, X16 | SER | STRT | 11 << 3);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 1300, 1301);
    nobody_complained();
    put(CR, X64 | SER | STRT);
    assert_said(SIM_RULE, "Vpp");
}

static void a_mass_erase_takes_all_but_otp_and_options(void **state)
{
    (void)state;
    memset(chip->flash, 0, chip->flash_size);
    unlock();
    put(CR, PG | X8);
    put_sized(OTP + 5, 0x12, 1);
    busy_us();
    put(CR, X32 | MER | STRT);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 8000, 8001);
    for (uint32_t i = 0; i < chip->flash_size; i++)
        assert_int_equal(chip->flash[i], 0xFF);
    assert_int_equal(get_sized(OTP + 5, 1), 0x12);
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
}

static void what_no_erase_is_sets_wrperr_and_erases_nothing(void **state)
{
    static const uint32_t bad[] = { SER | MER | STRT, SER | 12 << 3 | STRT, SER | 15 << 3 | STRT };
    (void)state;
    memset(chip->flash, 0, chip->flash_size);
    unlock();
    for (int i = 0; i < 3; i++) {
        put(CR, X32 | bad[i]);
        assert_int_equal(get(SR), WRPERR);
        put(SR, WRPERR);
        assert_int_equal(get(SR), 0);
    }
    put(CR, X32 | STRT);
    assert_int_equal(get(SR), 0);
    assert_said(SIM_RULE, "neither SER nor MER");
    for (uint32_t i = 0; i < chip->flash_size; i += 64)
        assert_int_equal(chip->flash[i], 0);
}

/* --- flash: programming ------------------------------------------------------------- */

static void it_programs_in_the_width_of_psize(void **state)
{
    static const uint32_t psize[] = { X8, X16, X32 };
    (void)state;
    unlock();
    for (int i = 0; i < 3; i++) {
        int width = 1 << i;
        put(CR, PG | psize[i]);
        put_sized(FLASH + 0x40u * (uint32_t)i, 0x12345678, width);
        assert_int_equal(get(SR), BSY);
        assert_in_range((int)(busy_us() + 0.5), 16, 17);
        assert_memory_equal(chip->flash + 0x40 * i, "\x78\x56\x34\x12", (size_t)width);
        assert_int_equal(chip->flash[0x40 * i + width], 0xFF);
    }
    assert_int_equal(get(SR), 0);
    nobody_complained();
}

static void another_width_sets_pgperr_and_writes_nothing(void **state)
{
    static const uint32_t psize[] = { X8, X16, X32, X64 };
    (void)state;
    unlock();
    for (int p = 0; p < 4; p++)
        for (int width = 1; width <= 4; width *= 2) {
            if (width == 1 << p)
                continue;
            put(CR, PG | psize[p]);
            put_sized(FLASH, 0, width);
            assert_int_equal(get(SR), PGPERR);
            put(SR, PGPERR);
            assert_int_equal(get(FLASH), 0xFFFFFFFF);
        }
    assert_said(SIM_RULE, "PGPERR");
}

static void a_store_without_pg_sets_pgserr(void **state)
{
    (void)state;
    put(FLASH, 0);
    assert_int_equal(get(SR), PGSERR);
    put(SR, PGSERR);
    unlock();
    put(CR, X32);
    put(FLASH, 0);
    assert_int_equal(get(SR), PGSERR);
    assert_int_equal(get(FLASH), 0xFFFFFFFF);
    assert_said(SIM_RULE, "PGSERR");
}

/* No master of the chip makes such an access, so the handler is called itself. */
static void a_store_over_the_end_of_a_row_sets_pgaerr(void **state)
{
    (void)state;
    struct bus_region *region = bus_find(chip->bus, FLASH);
    unlock();
    put(CR, PG | X32);
    region->write(region->ctx, 0x1E, 0, 4);
    assert_int_equal(get(SR), PGAERR);
    assert_said(SIM_RULE, "128 bits");
    put(SR, PGAERR);
    region->write(region->ctx, 0x1C, 0, 4);
    assert_int_equal(get(SR), BSY);
}

static void programming_only_clears_bits_and_may_be_repeated(void **state)
{
    (void)state;
    unlock();
    put(CR, PG | X32);
    put(FLASH, 0xFFFF0F0F);
    busy_us();
    put(FLASH, 0x00FF0F00);
    busy_us();
    assert_int_equal(get(FLASH), 0x00FF0F00);
    nobody_complained();
    put(FLASH, 0xFFFFFFFF);
    busy_us();
    assert_int_equal(get(FLASH), 0x00FF0F00);
    assert_said(SIM_RULE, "ones programmed over zeros");
}

/* Table 13. */
static void psize_goes_by_the_supply(void **state)
{
    static const struct { int mv; uint32_t good, bad; } rows[] = {
        { 2700, X32, X64 }, { 2690, X16, X32 }, { 2100, X16, X32 }, { 2090, X8, X16 },
        { 1800, X8, X16 },
    };
    (void)state;
    struct f4 *f4 = chip->state;
    unlock();
    for (int i = 0; i < 5; i++) {
        f4->millivolts = rows[i].mv;
        put(CR, rows[i].good | PG);
        put_sized(FLASH + 8u * (uint32_t)i, 0, 1 << (rows[i].good >> 8));
        busy_us();
        put(CR, rows[i].good | SER | STRT);
        busy_us();
        nobody_complained();
        put(CR, rows[i].bad | SER | STRT);
        assert_said(SIM_RULE, rows[i].bad == X64 ? "Vpp" : "which allows x");
        busy_us();
    }
    put(CR, X32 | PG);
    put(FLASH, 0);
    assert_said(SIM_RULE, "x32 at 1.8 V, which allows x8");
}

static void eop_and_operr_come_only_with_their_interrupts(void **state)
{
    (void)state;
    unlock();
    put(CR, PG | X32 | EOPIE | ERRIE);
    put(FLASH, 0);
    busy_us();
    assert_int_equal(get(SR), EOP);
    assert_int_equal(get(0xE000E200) & 1 << 4, 1 << 4);     /* FLASH is pending */
    put(SR, EOP);
    assert_int_equal(get(SR), 0);
    put_sized(FLASH + 4, 0, 2);
    assert_int_equal(get(SR), PGPERR | OPERR);
    put(SR, PGPERR | OPERR);
    assert_int_equal(get(SR), 0);
}

/* 3.5: reads stall; 3.6.1: writes of CR do.  SR tells meanwhile. */
static void who_reads_flash_or_writes_cr_while_busy_waits(void **state)
{
    (void)state;
    struct bus_region *flash = bus_find(chip->bus, FLASH), *cr = bus_find(chip->bus, CR);
    struct bus_region *sr = bus_find(chip->bus, SR);
    unlock();
    put(CR, X32 | SER | STRT);
    assert_true(*bus_busy(flash, false) > board->sim->now);
    assert_true(*bus_busy(flash, true) > board->sim->now);
    assert_ptr_equal(bus_busy(cr, true), bus_busy(flash, true));
    assert_null(bus_busy(cr, false));
    assert_ptr_equal(bus_find(chip->bus, 0)->busy_until, flash->busy_until);
    assert_ptr_equal(bus_find(chip->bus, OTP)->busy_until, flash->busy_until);
    assert_null(sr->busy_until);
    assert_true(get(SR) & BSY);
    busy_us();
    assert_true(*flash->busy_until <= board->sim->now);
}

static void power_that_fails_while_it_works_leaves_a_mixture(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x4000);
    unlock();
    put(CR, X32 | SER | STRT);
    board_run_ms(board, 100);
    power_cycle();
    int zeros = 0, ones = 0;
    for (int i = 0; i < 0x4000; i++) {
        zeros += chip->flash[i] == 0;
        ones += chip->flash[i] == 0xFF;
    }
    assert_true(zeros < 0x4000 && ones < 0x4000);
    assert_int_equal(chip->flash[0x4000], 0xFF);
}

static void otp_is_written_once_and_its_blocks_lock(void **state)
{
    (void)state;
    unlock();
    put(CR, PG | X8);
    put_sized(OTP + 32, 0x0F, 1);
    busy_us();
    put_sized(OTP + 512 + 1, 0, 1);                         /* the lock byte of block 1 */
    busy_us();
    put_sized(OTP + 33, 0, 1);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put_sized(OTP + 64, 0, 1);
    assert_int_equal(get(SR), BSY);
    busy_us();
    assert_int_equal(get(OTP + 32), 0xFFFFFF0F);
}

static void system_memory_and_option_bytes_are_never_programmed(void **state)
{
    (void)state;
    unlock();
    put(CR, PG | X32);
    put(0x1FFF0000, 0);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(OPTIONS, 0);
    assert_int_equal(get(SR), WRPERR);
    assert_int_equal(get(OPTIONS) & 0xFF00, 0xAA00);
}

/* --- flash: options and protection -------------------------------------------------- */

static void write_protection_holds_from_the_next_reset_on(void **state)
{
    (void)state;
    chip->flash[0x8000] = 0;
    write_options(0x0FDBAAEC);                              /* sectors 2 and 5 */
    assert_int_equal(get(OPTIONS + 8) & 0xFFF, 0xFDB);
    reset();
    assert_int_equal(get(OPTCR), 0x0FDBAAED);
    unlock();
    put(CR, X32 | SER | 2 << 3 | STRT);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(CR, X32 | MER | STRT);                              /* nor with the rest */
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(CR, PG | X32);
    static const uint32_t shut[] = { 0x8000, 0xBFFC, 0x20000, 0x3FFFC };
    static const uint32_t open[] = { 0x7FFC, 0xC000, 0x1FFFC, 0x40000, 0xFFFFC };
    for (int i = 0; i < 4; i++) {
        put(FLASH + shut[i], 0);
        assert_int_equal(get(SR), WRPERR);
        put(SR, WRPERR);
    }
    for (int i = 0; i < 5; i++) {
        put(FLASH + open[i], 0);
        assert_int_equal(get(SR), BSY);
        busy_us();
    }
    put(CR, X32 | SER | 3 << 3 | STRT);
    assert_int_equal(get(SR), BSY);
    busy_us();
    assert_int_equal(chip->flash[0x8000], 0);
    write_options(0x0FFFAAEC);
    reset();
    unlock();
    put(CR, X32 | SER | 2 << 3 | STRT);
    busy_us();
    assert_int_equal(chip->flash[0x8000], 0xFF);
}

static void options_that_were_not_started_are_gone_at_reset(void **state)
{
    (void)state;
    unlock_options();
    put(OPTCR, 0x0FFF00EC);
    assert_int_equal(get(OPTCR), 0x0FFF00EC);
    reset();
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
}

static void level_1_shuts_the_flash_once_a_debugger_has_come(void **state)
{
    (void)state;
    chip->flash[0] = 0x11;
    write_options(0x0FFF55EC);
    power_cycle();
    assert_int_equal(get_sized(FLASH, 1), 0x11);            /* its own program reads */
    assert_true(debugger_reads(RAM));                       /* one access is enough */
    assert_true(debugger_reads(DBGMCU));
    assert_false(debugger_reads(FLASH));
    assert_false(debugger_reads(0));
    assert_false(bus_read(chip->bus, BUS_CODE, FLASH, 2, &(uint32_t){ 0 }));
    reset();                                                /* no reset helps */
    assert_false(bus_read(chip->bus, BUS_CODE, FLASH, 2, &(uint32_t){ 0 }));
    unlock();
    put(CR, X32 | SER | STRT);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(CR, PG | X32);
    put(FLASH, 0);
    assert_int_equal(get(SR), WRPERR);
    power_cycle();
    assert_int_equal(get_sized(FLASH, 1), 0x11);
}

static void the_way_back_to_level_0_erases_everything(void **state)
{
    (void)state;
    memset(chip->flash, 0, chip->flash_size);
    write_options(0x0FFB00EC);                              /* a protected sector, too */
    reset();
    unlock_options();
    put(OPTCR, 0x0FFBAAEC);
    put(OPTCR, 0x0FFBAAEE);
    assert_true(busy_us() > 7.9e6);
    reset();
    assert_int_equal(get(OPTCR), 0x0FFBAAED);               /* the other options stay */
    assert_true(debugger_reads(FLASH));
    for (uint32_t i = 0; i < chip->flash_size; i++)
        assert_int_equal(chip->flash[i], 0xFF);
}

static void more_protection_erases_nothing(void **state)
{
    (void)state;
    chip->flash[7] = 7;
    write_options(0x0FFF00EC);
    reset();
    assert_int_equal(chip->flash[7], 7);
}

static void level_2_ends_debugging_for_good(void **state)
{
    (void)state;
    chip->flash[7] = 7;
    struct f4 *f4 = chip->state;
    assert_true(f4_flash_debug_port_open(f4->flash));
    write_options(0x0FFFCCEC);
    reset();
    assert_false(f4_flash_debug_port_open(f4->flash));
    assert_int_equal(get_sized(FLASH + 7, 1), 7);
    unlock_options();
    put(OPTCR, 0x0FFFAAEC);
    put(OPTCR, 0x0FFFAAEE);
    assert_said(SIM_RULE, "level 2");
    power_cycle();
    assert_int_equal(get(OPTCR), 0x0FFFCCED);
    assert_int_equal(chip->flash[7], 7);
}

static void options_that_power_cuts_off_are_level_1(void **state)
{
    (void)state;
    unlock_options();
    put(OPTCR, 0x0FFEAAEC);
    put(OPTCR, 0x0FFEAAEE);
    board_run_ms(board, 10);
    power_cycle();
    assert_int_equal(get(OPTCR), 0x0FFFFFED);
}

/* --- caches, clocks ----------------------------------------------------------------- */

static void a_cache_is_reset_only_while_it_is_off(void **state)
{
    (void)state;
    put(ACR, 1 << 9 | 1 << 10);
    put(ACR, 1 << 9 | 1 << 10 | 1 << 11);
    assert_said(SIM_RULE, "reset while it is enabled");
    put(ACR, 0);
    put(ACR, 1 << 11 | 1 << 12);
    put(ACR, 0);
    nobody_complained();
}

static void code_from_an_old_line_of_the_cache_is_reported(void **state)
{
    (void)state;
    start_program();
    put(ACR, 1 << 9);
    step_at(FLASH + 0x10, 2);
    unlock();
    put(CR, X32 | SER | STRT);
    busy_us();
    put(CR, X32 | PG);
    put(FLASH + 0x10, 0xE7FEBF00);                          /* nop; b . */
    busy_us();
    nobody_complained();
    step_at(FLASH + 0x10, 2);
    assert_said(SIM_RULE, "old line of the instruction cache at 0x08000010");
    put(ACR, 0);
    put(ACR, 1 << 11);
    put(ACR, 1 << 9);
    unsigned before = rules_broken();
    step_at(FLASH + 0x10, 2);
    assert_int_equal(rules_broken(), before);
    put(FLASH + 0x10, 0xE7FEBF00);                          /* programmed only */
    busy_us();
    step_at(FLASH + 0x10, 1);
    assert_int_equal(rules_broken(), before + 1);
    reset();                                                /* which empties it, and ACR */
    assert_int_equal(get(ACR), 0);
    put(ACR, 1 << 9);
    step_at(FLASH + 0x10, 2);
    assert_int_equal(rules_broken(), before + 1);
}

static void it_starts_at_16_mhz_and_reaches_168(void **state)
{
    (void)state;
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 16000000);
    assert_int_equal(get(RCC) & 0xFF, 0x83);
    assert_int_equal(get(RCC + 4), 0x24003010);
    set_bits(RCC, 1 << 16);
    assert_false(get(RCC) & 1 << 17);
    board_run_ms(board, 2.1);
    assert_true(get(RCC) & 1 << 17);
    put(RCC + 4, 8 | 336 << 6 | 1 << 22 | 7 << 24);
    set_bits(RCC, 1 << 24);
    board_run_ms(board, 0.3);
    assert_true(get(RCC) & 1 << 25);
    put(ACR, 5 | 1 << 8 | 1 << 9 | 1 << 10);
    put(RCC + 8, 5 << 10 | 4 << 13);
    put(RCC + 8, 5 << 10 | 4 << 13 | 2);
    assert_int_equal(get(RCC + 8) & 0xC, 8);
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 168000000);
    nobody_complained();
    put(ACR, 4);
    assert_said(SIM_RULE, "4 wait states at HCLK 168 MHz");
    put(RCC + 8, 5 << 10 | 2);
    assert_said(SIM_RULE, "PCLK2 is 168 MHz");
}

static void a_source_that_is_not_ready_is_not_switched_to(void **state)
{
    (void)state;
    put(RCC + 8, 2);
    assert_said(SIM_RULE, "not ready");
    assert_int_equal(get(RCC + 8) & 0xC, 0);
}

static void a_register_behind_a_closed_gate_reads_0(void **state)
{
    (void)state;
    put(USART2 + 8, 0x1234);
    assert_said(SIM_FORGIVEN, "USART2");
    assert_int_equal(get(USART2 + 8), 0);
    set_bits(APB1ENR, 1 << 17);
    put(USART2 + 8, 0x1234);
    assert_int_equal(get(USART2 + 8), 0x1234);
}

/* --- resets, watchdogs -------------------------------------------------------------- */

static void every_reset_leaves_its_flag(void **state)
{
    (void)state;
    assert_int_equal(get(CSR) >> 24, 0x0E);                 /* POR, PIN, BOR */
    put(CSR, 1 << 24);
    assert_int_equal(get(CSR) >> 24, 0);
    reset();
    assert_int_equal(get(CSR) >> 24, 0x14);
    put(CSR, 1 << 24);
    put(IWDG, 0xCCCC);
    board_run_ms(board, 520);
    assert_int_equal(get(CSR) >> 24, 0x24);
}

static void a_reset_by_the_core_leaves_dbgmcu_alone(void **state)
{
    (void)state;
    put(DBGMCU + 4, 7);
    put(DBGMCU + 8, 0x1800);
    put(0xE000ED0C, 0x05FA0004);
    board_run_ms(board, 1);
    assert_int_equal(get(DBGMCU + 4), 7);
    assert_int_equal(get(DBGMCU + 8), 0x1800);
    power_cycle();
    assert_int_equal(get(DBGMCU + 4), 0);
    assert_int_equal(get(DBGMCU + 8), 0);
}

static void the_watchdogs_stand_still_in_a_halt_when_told_so(void **state)
{
    (void)state;
    set_bits(APB1ENR, 1 << 11);
    put(CSR, 1 << 24);
    put(WWDG, 0xFF);
    put(IWDG, 0xCCCC);
    put(DBGMCU + 8, 0x1800);
    chip->cpu->halted = true;
    board_run_ms(board, 2000);
    assert_int_equal(get(CSR) >> 24, 0);
    assert_in_range(get(WWDG), 0xFD, 0xFF);
    chip->cpu->halted = false;
    board_run_ms(board, 60);
    assert_true(get(CSR) >> 24);
}

static void without_that_they_bite_in_a_halt(void **state)
{
    (void)state;
    put(CSR, 1 << 24);
    put(IWDG, 0xCCCC);
    chip->cpu->halted = true;
    board_run_ms(board, 600);
    assert_int_equal(get(CSR) >> 24 & 0x20, 0x20);
}

static void the_window_watchdog_bites_at_0x3f_or_too_early(void **state)
{
    (void)state;
    set_bits(APB1ENR, 1 << 11);
    put(CSR, 1 << 24);
    put(WWDG + 4, 0x50);
    put(WWDG, 0xFF);
    board_run_ms(board, 1);
    assert_int_equal(get(WWDG) & 0x7F, 0x7F - 3);           /* 256 us a step at 16 MHz */
    put(WWDG, 0xFF);                                        /* above the window */
    board_run_ms(board, 1);
    assert_int_equal(get(CSR) >> 24, 0x44);
    set_bits(APB1ENR, 1 << 11);
    put(CSR, 1 << 24);
    put(WWDG, 0xC1);
    board_run_ms(board, 0.3);
    assert_int_equal(get(WWDG + 8), 1);                     /* EWIF at 0x40 */
    assert_int_equal(get(CSR) >> 24, 0);
    board_run_ms(board, 0.4);
    assert_int_equal(get(CSR) >> 24, 0x44);
}

static void a_hardware_watchdog_runs_from_reset_on(void **state)
{
    (void)state;
    write_options(0x0FFFAACC);                              /* WDG_SW = 0 */
    power_cycle();
    put(CSR, 1 << 24);
    board_run_ms(board, 520);
    assert_int_equal(get(CSR) >> 24 & 0x20, 0x20);
}

/* --- pins, serial port -------------------------------------------------------------- */

static void the_debug_pins_are_the_debug_ports_after_reset(void **state)
{
    (void)state;
    set_bits(AHB1ENR, 3);
    assert_int_equal(get(GPIOA), 0xA8000000);
    assert_int_equal(get(GPIOA + 0xC), 0x64000000);
    assert_int_equal(get(GPIOA + 0x400), 0x280);
    assert_int_equal(chip->pin(chip, "PA13")->drive, DRIVE_PULL_UP);
    assert_int_equal(chip->pin(chip, "PA14")->drive, DRIVE_PULL_DOWN);
}

static void a_port_drives_reads_and_pulls(void **state)
{
    (void)state;
    set_bits(AHB1ENR, 1);
    put(GPIOA, 0xA8000000 | 1 << 2);                        /* PA1: output */
    put(GPIOA + 0x18, 1 << 1);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_HIGH);
    put(GPIOA + 0x18, 1 << 17);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_LOW);
    put(GPIOA + 4, 1 << 1);                                 /* open drain */
    put(GPIOA + 0x14, 1 << 1);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_OPEN);
    put(GPIOA + 0xC, 0x64000000 | 1 << 2);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_PULL_UP);
    put(GPIOA, 0xA8000000 | 3 << 2);                        /* analog: no pull */
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_OPEN);
}

static void a_usart_talks_to_itself_over_a_wire(void **state)
{
    (void)state;
    struct net *wire = net_new(board->sim, "wire");
    net_attach(wire, chip->pin(chip, "PA2"), false);
    net_attach(wire, chip->pin(chip, "PA3"), false);
    set_bits(AHB1ENR, 1);
    set_bits(APB1ENR, 1 << 17);
    put(GPIOA + 0x20, 7 << 8 | 7 << 12);
    put(GPIOA, 0xA8000000 | 2 << 4 | 2 << 6);
    put(USART2 + 8, 139);
    put(USART2 + 0xC, 1 << 13 | 1 << 3 | 1 << 2);
    put(USART2 + 4, 0xA5);
    assert_true(get(USART2) & 1 << 7);                      /* TXE: on its way */
    board_run_ms(board, 0.05);
    assert_false(get(USART2) & 1 << 5);
    board_run_ms(board, 0.05);
    assert_int_equal(get(USART2) & 0x60, 0x60);             /* RXNE, TC */
    assert_int_equal(get(USART2 + 4), 0xA5);
    put(USART2 + 4, 1);
    board_run_ms(board, 0.1);
    put(USART2 + 4, 2);
    board_run_ms(board, 0.1);
    assert_true(get(USART2) & 1 << 3);                      /* ORE */
    nobody_complained();
    net_free(wire);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_stm32f405rg),
        T(flash_is_seen_at_0_too),
        T(ccm_holds_data_and_executes_nothing),
        T(both_kinds_of_sram_are_one_run_of_128_kb),
        T(its_fpu_is_shut_until_cpacr_opens_it),
        T(it_has_the_dsp_extension),
        T(an_absent_peripheral_is_reported_by_name),
        T(two_keys_open_it_and_lock_closes_it),
        T(a_wrong_key_faults_and_locks_until_reset),
        T(keys_when_it_is_open_lock_it_until_reset),
        T(the_options_have_keys_and_a_lock_of_their_own),
        T(each_sector_is_erased_alone_in_its_time),
        T(a_narrower_psize_erases_slower),
        T(a_mass_erase_takes_all_but_otp_and_options),
        T(what_no_erase_is_sets_wrperr_and_erases_nothing),
        T(it_programs_in_the_width_of_psize),
        T(another_width_sets_pgperr_and_writes_nothing),
        T(a_store_without_pg_sets_pgserr),
        T(a_store_over_the_end_of_a_row_sets_pgaerr),
        T(programming_only_clears_bits_and_may_be_repeated),
        T(psize_goes_by_the_supply),
        T(eop_and_operr_come_only_with_their_interrupts),
        T(who_reads_flash_or_writes_cr_while_busy_waits),
        T(power_that_fails_while_it_works_leaves_a_mixture),
        T(otp_is_written_once_and_its_blocks_lock),
        T(system_memory_and_option_bytes_are_never_programmed),
        T(write_protection_holds_from_the_next_reset_on),
        T(options_that_were_not_started_are_gone_at_reset),
        T(level_1_shuts_the_flash_once_a_debugger_has_come),
        T(the_way_back_to_level_0_erases_everything),
        T(more_protection_erases_nothing),
        T(level_2_ends_debugging_for_good),
        T(options_that_power_cuts_off_are_level_1),
        T(a_cache_is_reset_only_while_it_is_off),
        T(code_from_an_old_line_of_the_cache_is_reported),
        T(it_starts_at_16_mhz_and_reaches_168),
        T(a_source_that_is_not_ready_is_not_switched_to),
        T(a_register_behind_a_closed_gate_reads_0),
        T(every_reset_leaves_its_flag),
        T(a_reset_by_the_core_leaves_dbgmcu_alone),
        T(the_watchdogs_stand_still_in_a_halt_when_told_so),
        T(without_that_they_bite_in_a_halt),
        T(the_window_watchdog_bites_at_0x3f_or_too_early),
        T(a_hardware_watchdog_runs_from_reset_on),
        T(the_debug_pins_are_the_debug_ports_after_reset),
        T(a_port_drives_reads_and_pulls),
        T(a_usart_talks_to_itself_over_a_wire),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
