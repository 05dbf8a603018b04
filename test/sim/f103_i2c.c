/* f103_i2c.c - I2C1 and I2C2 of the simulated STM32F103, and a 24Cxx on their wires.
 *
 * What RM0008 26.3 says of each event, flag by flag; then two programs, one that uses the
 * peripheral and one that moves the pins itself. */
#include "f103_alone.h"
#include "eeprom.h"

enum {
    I2C1 = 0x40005400, I2C2 = 0x40005800, DEVICE = 0x50 << 1,
    CR1 = 0x00, CR2 = 0x04, OAR1 = 0x08, DR = 0x10, SR1 = 0x14, SR2 = 0x18, CCR = 0x1C,
    TRISE = 0x20,
    PE = 1, START = 1 << 8, STOP = 1 << 9, ACK = 1 << 10, POS = 1 << 11, SWRST = 1 << 15,
    SB = 1, ADDR = 2, BTF = 4, ADD10 = 8, RXNE = 1 << 6, TXE = 1 << 7, BERR = 1 << 8,
    ARLO = 1 << 9, AF = 1 << 10,
    MSL = 1, BUSY = 2, TRA = 4,
};

static struct pin pull_ups[6];
static struct eeprom *chip_24c;
static uint8_t *memory;

static void solder(const char *type, const char *scl, const char *sda)
{
    outside(&pull_ups[0], scl, DRIVE_PULL_UP);
    outside(&pull_ups[1], sda, DRIVE_PULL_UP);
    chip_24c = eeprom_new(sim, eeprom_type(type, (int)strlen(type)), 0x50, pin(scl)->net,
                          pin(sda)->net);
    memory = eeprom_memory(chip_24c);
}

static int with_eeprom(void **state)
{
    power_up(state);
    solder("24c02", "PB6", "PB7");
    return 0;
}

static int take_apart(void **state)
{
    net_free(pin("PB6")->net);
    net_free(pin("PB7")->net);
    eeprom_free(chip_24c);
    chip_24c = NULL;
    return throw_away(state);
}

/* 100 kHz of 8 MHz. */
static void on_at(uint32_t base)
{
    wr(APB2ENR, 0xD);
    wr(APB1ENR, 3 << 21);
    wr(GPIOB, 0xFF444444);                      /* PB6, PB7: alternate, open drain */
    wr(base + CR2, 8);
    wr(base + CCR, 40);
    wr(base + TRISE, 9);
    wr(base + CR1, PE);
}

static void on(void) { on_at(I2C1); }

static void start(void)
{
    set_bits(I2C1 + CR1, START);
    wait_for(I2C1 + SR1, SB);
}

/* START and an address that is answered; ADDR is left set. */
static void address(uint32_t byte)
{
    start();
    wr(I2C1 + DR, byte);
    wait_for(I2C1 + SR1, ADDR);
}

static void put(uint32_t byte)
{
    wait_for(I2C1 + SR1, TXE);
    wr(I2C1 + DR, byte);
}

static void stop(void)
{
    set_bits(I2C1 + CR1, STOP);
    run_us(40);
    assert_int_equal(rd(I2C1 + CR1) & STOP, 0);
    assert_int_equal(rd(I2C1 + SR2), 0);
}

static void write_bytes(uint32_t at, const uint8_t *data, int count)
{
    address(DEVICE);
    rd(I2C1 + SR2);
    put(at);
    for (int i = 0; i < count; i++)
        put(data[i]);
    wait_for(I2C1 + SR1, BTF);
    stop();
}

static void begin_read(uint32_t at)
{
    address(DEVICE);
    rd(I2C1 + SR2);
    put(at);
    wait_for(I2C1 + SR1, BTF);
    set_bits(I2C1 + CR1, ACK);
    address(DEVICE | 1);
}

/* --- the manual's sequences -------------------------------------------------------- */

static void registers_come_up_as_the_manual_says(void **state)
{
    (void)state;
    wr(APB1ENR, 3 << 21);
    for (uint32_t reg = CR1; reg <= TRISE; reg += 4) {
        assert_int_equal(rd(I2C1 + reg), reg == TRISE ? 2 : 0);
        assert_int_equal(rd(I2C2 + reg), reg == TRISE ? 2 : 0);
    }
    no_complaints();
}

static void a_transmission_goes_through_ev5_ev6_and_ev8(void **state)
{
    (void)state;
    on();
    assert_int_equal(rd(I2C1 + SR2), 0);
    start();
    assert_int_equal(rd(I2C1 + CR1) & START, 0);
    assert_int_equal(rd(I2C1 + SR2), MSL | BUSY);
    run_us(500);                                /* SCL is held low: nothing moves */
    assert_int_equal(level("PB6"), 0);
    assert_int_equal(rd(I2C1 + SR1), SB);
    wr(I2C1 + DR, DEVICE);
    assert_int_equal(rd(I2C1 + SR1), 0);
    wait_for(I2C1 + SR1, ADDR);
    assert_int_equal(rd(I2C1 + SR1), ADDR);
    assert_int_equal(rd(I2C1 + SR2), MSL | BUSY | TRA);
    assert_int_equal(rd(I2C1 + SR1), TXE);
    wr(I2C1 + DR, 0x20);                        /* goes to the shift register at once */
    assert_int_equal(rd(I2C1 + SR1), TXE);
    wr(I2C1 + DR, 0xA5);
    assert_int_equal(rd(I2C1 + SR1), 0);
    wait_for(I2C1 + SR1, TXE);
    assert_int_equal(rd(I2C1 + SR1), TXE);
    wait_for(I2C1 + SR1, BTF);
    assert_int_equal(rd(I2C1 + SR1), TXE | BTF);
    stop();
    assert_int_equal(rd(I2C1 + SR1), 0);
    assert_int_equal(memory[0x20], 0xA5);
    assert_int_equal(memory[0x21], 0xFF);
    no_complaints();
}

static void an_address_that_nobody_has_sets_af(void **state)
{
    (void)state;
    on();
    start();
    wr(I2C1 + DR, 0x42);
    wait_for(I2C1 + SR1, AF);
    assert_int_equal(rd(I2C1 + SR1), AF);
    assert_int_equal(rd(I2C1 + SR2), MSL | BUSY);
    run_us(100);
    assert_int_equal(level("PB6"), 0);
    wr(I2C1 + SR1, ~(uint32_t)AF);
    assert_int_equal(rd(I2C1 + SR1), 0);
    stop();
    no_complaints();
}

static void the_clock_is_made_by_ccr(void **state)
{
    static const struct { uint32_t ccr; int low, high; } modes[] = {
        { 40, 40, 40 }, { 1 << 15 | 7, 14, 7 }, { 1 << 15 | 1 << 14 | 1, 16, 9 },
    };
    const sim_time tick = SIM_SECOND / 8000000;
    (void)state;
    on();
    watch_edges("PB6");
    for (int i = 0; i < 3; i++) {
        wr(I2C1 + CR1, 0);
        wr(I2C1 + CCR, modes[i].ccr);
        wr(I2C1 + CR1, PE);
        start();
        edges = 0;
        wr(I2C1 + DR, DEVICE);
        wait_for(I2C1 + SR1, ADDR);
        assert_int_equal(edges, 19);            /* SCL falls, then nine pulses */
        for (int n = 2; n < 19; n++)
            assert_int_equal(edge_at[n] - edge_at[n - 1],
                             (sim_time)(n % 2 ? modes[i].low : modes[i].high) * tick);
        stop();
    }
    no_complaints();
}

static void one_byte_is_read_with_stop_right_behind_addr(void **state)
{
    (void)state;
    memory[5] = 0x5A;
    on();
    begin_read(5);
    clear_bits(I2C1 + CR1, ACK);
    rd(I2C1 + SR2);
    set_bits(I2C1 + CR1, STOP);
    wait_for(I2C1 + SR1, RXNE);
    run_us(30);
    assert_int_equal(rd(I2C1 + SR2), 0);
    assert_int_equal(rd(I2C1 + SR1), RXNE);
    assert_int_equal(rd(I2C1 + DR), 0x5A);
    assert_int_equal(rd(I2C1 + SR1), 0);
    run_us(1000);
    assert_int_equal(rd(I2C1 + SR1), 0);        /* and no byte more */
    no_complaints();
}

static void two_bytes_are_read_with_pos(void **state)
{
    (void)state;
    memcpy(memory + 5, "\x12\x34", 2);
    on();
    set_bits(I2C1 + CR1, POS);
    begin_read(5);
    rd(I2C1 + SR2);
    clear_bits(I2C1 + CR1, ACK);
    wait_for(I2C1 + SR1, BTF);
    assert_int_equal(rd(I2C1 + SR1), BTF | RXNE);
    set_bits(I2C1 + CR1, STOP);
    assert_int_equal(rd(I2C1 + DR), 0x12);
    assert_int_equal(rd(I2C1 + SR1), RXNE);
    assert_int_equal(rd(I2C1 + DR), 0x34);
    run_us(40);
    assert_int_equal(rd(I2C1 + SR2), 0);
    no_complaints();
}

/* Method 2 of 26.3.3: three bytes are left, nobody reads, BTF. */
static void a_full_receiver_holds_the_clock(void **state)
{
    (void)state;
    memcpy(memory, "\x01\x02\x03\x04", 4);
    on();
    begin_read(0);
    rd(I2C1 + SR2);
    wait_for(I2C1 + SR1, RXNE);
    assert_int_equal(rd(I2C1 + DR), 1);
    wait_for(I2C1 + SR1, BTF);
    run_us(500);
    assert_int_equal(level("PB6"), 0);
    clear_bits(I2C1 + CR1, ACK);
    assert_int_equal(rd(I2C1 + DR), 2);
    wait_for(I2C1 + SR1, BTF);
    set_bits(I2C1 + CR1, STOP);
    assert_int_equal(rd(I2C1 + DR), 3);
    assert_int_equal(rd(I2C1 + DR), 4);
    run_us(40);
    assert_int_equal(rd(I2C1 + SR2), 0);
    no_complaints();
}

static void dma_moves_both_ways_and_last_refuses_the_last_byte(void **state)
{
    static const uint8_t bytes[] = "\x10wonder";
    (void)state;
    on();
    wr(AHBENR, 0x15);
    memcpy(bus_find(chip->bus, RAM_BASE)->memory, bytes, 7);
    wr(DMA1 + 0x70, 7);                         /* channel 6: I2C1_TX */
    wr(DMA1 + 0x74, I2C1 + DR);
    wr(DMA1 + 0x78, RAM_BASE);
    wr(DMA1 + 0x6C, 0x91);
    set_bits(I2C1 + CR2, 1 << 11);
    address(DEVICE);
    rd(I2C1 + SR2);
    wait_for(DMA1, 1 << 21);                    /* TCIF6 */
    wait_for(I2C1 + SR1, BTF);
    clear_bits(I2C1 + CR2, 1 << 11);
    stop();
    assert_memory_equal(memory + 0x10, "wonder", 6);
    run_ms(6);
    wr(DMA1 + 0x84, 6);                         /* channel 7: I2C1_RX */
    wr(DMA1 + 0x88, I2C1 + DR);
    wr(DMA1 + 0x8C, RAM_BASE + 0x100);
    wr(DMA1 + 0x80, 0x81);
    begin_read(0x10);
    set_bits(I2C1 + CR2, 3 << 11);              /* LAST, DMAEN */
    rd(I2C1 + SR2);
    wait_for(DMA1, 1 << 25);                    /* TCIF7 */
    stop();
    assert_memory_equal(bus_find(chip->bus, RAM_BASE)->memory + 0x100, "wonder", 6);
    run_ms(1);
    assert_int_equal(rd(I2C1 + SR1), 0);
    no_complaints();
}

static void events_and_errors_interrupt_on_lines_of_their_own(void **state)
{
    (void)state;
    on();
    wr(I2C1 + CR2, 8 | 3 << 8);                 /* ITEVTEN, ITERREN */
    start();
    assert_true(rd(0xE000E200) & 1u << 31);     /* pending: I2C1_EV */
    assert_false(rd(0xE000E204) & 1);
    wr(I2C1 + DR, 0x42);
    wait_for(I2C1 + SR1, AF);
    assert_true(rd(0xE000E204) & 1);            /* I2C1_ER */
    no_complaints();
}

static void a_ten_bit_address_has_a_header(void **state)
{
    (void)state;
    on();
    outside(&pull_ups[2], "PB7", DRIVE_OPEN);
    start();
    wr(I2C1 + DR, 0xF4);
    run_us(5 + 8 * 10 + 2);
    pin_drive(&pull_ups[2], DRIVE_LOW);         /* a slave acknowledges */
    run_us(10);
    pin_drive(&pull_ups[2], DRIVE_OPEN);
    assert_int_equal(rd(I2C1 + SR1), ADD10);
    wr(I2C1 + DR, 0x55);
    assert_int_equal(rd(I2C1 + SR1), 0);
    run_us(8 * 10 + 2);
    pin_drive(&pull_ups[2], DRIVE_LOW);
    run_us(10);
    pin_drive(&pull_ups[2], DRIVE_OPEN);
    assert_int_equal(rd(I2C1 + SR1), ADDR);
    assert_int_equal(rd(I2C1 + SR2), MSL | BUSY | TRA);
    stop();
    no_complaints();
}

/* What libraries in use do in another order than the manual: ACK is set behind START, each byte
 * waits for BTF, no STOP before the read, and STOP only when the last byte has been read. */
static void the_order_of_libopencm3_reads_as_many_as_it_asks(void **state)
{
    (void)state;
    memcpy(memory + 0x30, "\x0A\x0B\x0C\x0D", 4);
    on();
    for (uint32_t count = 1; count <= 4; count++) {
        address(DEVICE);
        rd(I2C1 + SR2);
        wr(I2C1 + DR, 0x30);
        wait_for(I2C1 + SR1, BTF);
        set_bits(I2C1 + CR1, START);
        set_bits(I2C1 + CR1, ACK);
        wait_for(I2C1 + SR1, SB);
        wr(I2C1 + DR, DEVICE | 1);
        wait_for(I2C1 + SR1, ADDR);
        rd(I2C1 + SR2);
        for (uint32_t i = 0; i < count; i++) {
            if (i == count - 1)
                clear_bits(I2C1 + CR1, ACK);
            wait_for(I2C1 + SR1, RXNE);
            assert_int_equal(rd(I2C1 + DR), 0x0A + i);
        }
        stop();
        assert_int_equal(rd(I2C1 + SR1), 0);
    }
    no_complaints();
}

/* ST's HAL: POS is set, and ACK cleared, when the address has been acknowledged. */
static void the_order_of_hal_reads_two(void **state)
{
    (void)state;
    memcpy(memory + 5, "\x12\x34", 2);
    on();
    begin_read(5);
    clear_bits(I2C1 + CR1, ACK);
    set_bits(I2C1 + CR1, POS);
    rd(I2C1 + SR2);
    wait_for(I2C1 + SR1, BTF);
    set_bits(I2C1 + CR1, STOP);
    assert_int_equal(rd(I2C1 + DR), 0x12);
    assert_int_equal(rd(I2C1 + DR), 0x34);
    no_complaints();
}

/* --- the bus ---------------------------------------------------------------------- */

static void a_slave_may_stretch_the_clock(void **state)
{
    (void)state;
    on();
    outside(&pull_ups[2], "PB6", DRIVE_OPEN);
    start();
    pin_drive(&pull_ups[2], DRIVE_LOW);
    wr(I2C1 + DR, DEVICE);
    run_us(1000);
    assert_int_equal(rd(I2C1 + SR1), 0);
    pin_drive(&pull_ups[2], DRIVE_OPEN);
    wait_for(I2C1 + SR1, ADDR);
    no_complaints();
}

static void a_start_waits_for_another_masters_stop(void **state)
{
    (void)state;
    on();
    outside(&pull_ups[2], "PB6", DRIVE_OPEN);
    outside(&pull_ups[3], "PB7", DRIVE_OPEN);
    pin_drive(&pull_ups[3], DRIVE_LOW);
    assert_int_equal(rd(I2C1 + SR2), BUSY);
    set_bits(I2C1 + CR1, START);
    run_us(500);
    assert_int_equal(rd(I2C1 + SR1), 0);
    pin_drive(&pull_ups[3], DRIVE_OPEN);        /* STOP */
    wait_for(I2C1 + SR1, SB);
    no_complaints();
}

static void who_sends_a_one_and_sees_a_zero_has_lost(void **state)
{
    (void)state;
    on();
    outside(&pull_ups[3], "PB7", DRIVE_OPEN);
    start();
    pin_drive(&pull_ups[3], DRIVE_LOW);
    wr(I2C1 + DR, DEVICE);                      /* the first bit is a one */
    run_us(20);
    assert_int_equal(rd(I2C1 + SR1), ARLO);
    assert_int_equal(rd(I2C1 + SR2), BUSY);
    assert_int_equal(level("PB6"), 1);
    pin_drive(&pull_ups[3], DRIVE_OPEN);
    assert_int_equal(rd(I2C1 + SR2), 0);
}

static void a_misplaced_stop_is_a_bus_error(void **state)
{
    (void)state;
    on();
    outside(&pull_ups[3], "PB7", DRIVE_OPEN);
    start();
    wr(I2C1 + DR, 0x50);                        /* a zero first */
    run_us(22);                                 /* the second bit, a one, is high */
    pin_drive(&pull_ups[3], DRIVE_LOW);
    assert_int_equal(rd(I2C1 + SR1) & BERR, BERR);
}

static void busy_shows_a_line_that_is_low_when_pe_is_set(void **state)
{
    (void)state;
    outside(&pull_ups[3], "PB7", DRIVE_LOW);
    on();
    assert_int_equal(rd(I2C1 + SR2), BUSY);
    wr(I2C1 + CR1, PE | SWRST);
    pin_drive(&pull_ups[3], DRIVE_OPEN);
    assert_int_equal(rd(I2C1 + SR2), 0);
    assert_int_equal(rd(I2C1 + CCR), 0);
    wr(I2C1 + CR1, 0);
    on();
    assert_int_equal(rd(I2C1 + SR2), 0);
    no_complaints();
}

static void i2c1_moves_to_pb8_and_pb9(void **state)
{
    (void)state;
    wr(APB2ENR, 0xD);
    wr(AFIO + 4, 2);
    wr(GPIOB + 4, 0x444444FF);
    outside(&pull_ups[4], "PB8", DRIVE_PULL_UP);
    outside(&pull_ups[5], "PB9", DRIVE_PULL_UP);
    on();
    start();
    run_us(20);
    assert_int_equal(level("PB8"), 0);
    assert_int_equal(level("PB6"), 1);
    wr(I2C1 + CR1, 0);
    assert_said(SIM_FORGIVEN, "PE cleared in the middle of a transfer");
    assert_int_equal(level("PB8"), 1);
}

static void i2c2_is_at_pb10_and_pb11(void **state)
{
    (void)state;
    outside(&pull_ups[4], "PB10", DRIVE_PULL_UP);
    outside(&pull_ups[5], "PB11", DRIVE_PULL_UP);
    on_at(I2C2);
    wr(GPIOB + 4, 0x4444FF44);
    set_bits(I2C2 + CR1, START);
    wait_for(I2C2 + SR1, SB);
    wr(I2C2 + DR, 0xA0);
    wait_for(I2C2 + SR1, AF);
    no_complaints();
}

static void pe_cleared_behind_stop_takes_effect_when_it_is_out(void **state)
{
    (void)state;
    on();
    address(DEVICE);
    rd(I2C1 + SR2);
    wr(I2C1 + CR1, PE | STOP);
    wr(I2C1 + CR1, 0);
    run_us(50);
    assert_int_equal(rd(I2C1 + CR1), 0);
    assert_int_equal(level("PB6") & level("PB7"), 1);
    no_complaints();
}

/* --- what is said ------------------------------------------------------------------ */

static void wrong_set_up_is_reported(void **state)
{
    (void)state;
    on();
    wr(I2C1 + CCR, 40);
    assert_said(SIM_RULE, "I2C1: CCR written while PE is set");
    wr(I2C1 + CR2, 36);
    start();
    assert_said(SIM_FORGIVEN, "CR2.FREQ is 36, PCLK1 8 MHz");
    wr(I2C1 + CR1, 0);
    wr(I2C1 + CR2, 8);
    wr(I2C1 + CCR, 20);
    wr(I2C1 + CR1, PE);
    start();
    assert_said(SIM_FORGIVEN, "SCL at 200 kHz, at most 100");
}

static void pins_that_are_not_i2cs_are_noted(void **state)
{
    (void)state;
    on();
    wr(GPIOB, 0x44444444);
    set_bits(I2C1 + CR1, START);
    run_us(50);
    assert_int_equal(rd(I2C1 + SR1), 0);
    assert_said(SIM_NOTE, "SDA does not fall");
}

static void what_is_not_modelled_says_so(void **state)
{
    (void)state;
    on();
    wr(I2C1 + CR1, PE | 2);
    assert_said(SIM_UNMODELLED, "I2C1: SMBus mode");
    wr(I2C1 + CR1, PE | 1 << 5);
    assert_said(SIM_UNMODELLED, "I2C1: PEC");
    wr(I2C1 + CR1, PE | ACK);
    wr(I2C1 + OAR1, 0x4000 | 0x60);
    outside(&pull_ups[3], "PB7", DRIVE_LOW);
    assert_said(SIM_UNMODELLED, "I2C1 as slave");
}

/* --- the EEPROM -------------------------------------------------------------------- */

static void eeprom_answers_nobody_for_5_ms_after_a_write(void **state)
{
    static const uint8_t byte = 0x77;
    (void)state;
    on();
    write_bytes(1, &byte, 1);
    sim_time from = sim->now;
    for (;;) {
        start();
        wr(I2C1 + DR, DEVICE);
        run_us(110);
        if (rd(I2C1 + SR1) & ADDR)
            break;
        wr(I2C1 + SR1, 0);
        stop();
    }
    assert_in_range((sim->now - from) / SIM_US, 4900, 5200);
    no_complaints();
}

static void eeprom_wraps_within_its_page(void **state)
{
    (void)state;
    on();
    write_bytes(0x0E, (const uint8_t *)"abcdefghij", 10);
    assert_memory_equal(memory + 8, "cdefghij", 6);
    assert_memory_equal(memory + 0x0E, "ij", 2);
    assert_int_equal(memory[0x10], 0xFF);
    no_complaints();
}

static void eeprom_read_goes_on_and_wraps_at_its_end(void **state)
{
    (void)state;
    memory[0xFF] = 1;
    memory[0] = 2;
    memory[1] = 3;
    on();
    begin_read(0xFF);
    rd(I2C1 + SR2);
    for (uint32_t i = 1; i <= 2; i++) {
        wait_for(I2C1 + SR1, RXNE);
        assert_int_equal(rd(I2C1 + DR), i);
    }
    clear_bits(I2C1 + CR1, ACK);
    set_bits(I2C1 + CR1, STOP);
    wait_for(I2C1 + SR1, RXNE);
    assert_int_equal(rd(I2C1 + DR), 3);
    run_us(50);
    set_bits(I2C1 + CR1, ACK);
    memory[2] = 4;
    address(DEVICE | 1);                        /* from where it was */
    clear_bits(I2C1 + CR1, ACK);
    rd(I2C1 + SR2);
    set_bits(I2C1 + CR1, STOP);
    wait_for(I2C1 + SR1, RXNE);
    assert_int_equal(rd(I2C1 + DR), 4);
}

static void eeprom_forgets_a_write_that_a_start_ends(void **state)
{
    (void)state;
    on();
    address(DEVICE);
    rd(I2C1 + SR2);
    put(3);
    put(0x11);
    wait_for(I2C1 + SR1, BTF);
    address(DEVICE | 1);
    clear_bits(I2C1 + CR1, ACK);
    rd(I2C1 + SR2);
    set_bits(I2C1 + CR1, STOP);
    run_us(200);
    assert_int_equal(memory[3], 0xFF);
}

static void larger_eeproms_have_blocks_or_two_address_bytes(void **state)
{
    (void)state;
    on();
    take_apart(state);
    power_up(state);
    solder("24C16", "PB6", "PB7");
    on();
    address(DEVICE | 5 << 1);
    rd(I2C1 + SR2);
    put(0x34);
    put(0x99);
    wait_for(I2C1 + SR1, BTF);
    stop();
    assert_int_equal(memory[0x534], 0x99);
    take_apart(state);
    power_up(state);
    solder("24c64", "PB6", "PB7");
    on();
    address(DEVICE);
    rd(I2C1 + SR2);
    put(0x12);
    put(0x34);
    put(0x99);
    wait_for(I2C1 + SR1, BTF);
    stop();
    assert_int_equal(memory[0x1234], 0x99);
    assert_null(eeprom_type("24c99", 5));
}

static void a_clock_too_fast_for_the_eeprom_is_reported(void **state)
{
    (void)state;
    wr(APB2ENR, 0xD);
    wr(GPIOB, 0x77444444);
    wr(GPIOB + 0x10, 0xC0);
    wr(GPIOB + 0x14, 0x80);
    for (int i = 0; i < 20; i++) {
        run_us(0.5);
        wr(GPIOB + (i % 2 ? 0x10 : 0x14), 0x40);
    }
    assert_said(SIM_RULE, "24c02 at 0x50: SCL at 1000 kHz, at most 400");
}

/* --- programs ---------------------------------------------------------------------- */

static void a_program_writes_and_reads_an_eeprom(void **state)
{
    (void)state;
    start_program("i2c_eeprom");
    assert_int_equal(verdict(100), 0);
    assert_true(rd(RAM_BASE + 8) > 50);         /* it had to ask often */
    assert_memory_equal(memory + 8, "01234567", 8);
    no_complaints();
}

static void a_program_moves_the_pins_itself(void **state)
{
    (void)state;
    start_program("i2c_bitbang");
    assert_int_equal(verdict(100), 0);
    assert_memory_equal(memory + 0x10, "\xCA\xFE", 2);
    no_complaints();
}

#undef T
#define T(name) cmocka_unit_test_setup_teardown(name, with_eeprom, take_apart)

static const struct CMUnitTest tests[] = {
    T(registers_come_up_as_the_manual_says),
    T(a_transmission_goes_through_ev5_ev6_and_ev8),
    T(an_address_that_nobody_has_sets_af),
    T(the_clock_is_made_by_ccr),
    T(one_byte_is_read_with_stop_right_behind_addr),
    T(two_bytes_are_read_with_pos),
    T(a_full_receiver_holds_the_clock),
    T(the_order_of_libopencm3_reads_as_many_as_it_asks),
    T(the_order_of_hal_reads_two),
    T(dma_moves_both_ways_and_last_refuses_the_last_byte),
    T(events_and_errors_interrupt_on_lines_of_their_own),
    T(a_ten_bit_address_has_a_header),
    T(a_slave_may_stretch_the_clock),
    T(a_start_waits_for_another_masters_stop),
    T(who_sends_a_one_and_sees_a_zero_has_lost),
    T(a_misplaced_stop_is_a_bus_error),
    T(busy_shows_a_line_that_is_low_when_pe_is_set),
    T(i2c1_moves_to_pb8_and_pb9),
    T(i2c2_is_at_pb10_and_pb11),
    T(pe_cleared_behind_stop_takes_effect_when_it_is_out),
    T(wrong_set_up_is_reported),
    T(pins_that_are_not_i2cs_are_noted),
    T(what_is_not_modelled_says_so),
    T(eeprom_answers_nobody_for_5_ms_after_a_write),
    T(eeprom_wraps_within_its_page),
    T(eeprom_read_goes_on_and_wraps_at_its_end),
    T(eeprom_forgets_a_write_that_a_start_ends),
    T(larger_eeproms_have_blocks_or_two_address_bytes),
    T(a_clock_too_fast_for_the_eeprom_is_reported),
    T(a_program_writes_and_reads_an_eeprom),
    T(a_program_moves_the_pins_itself),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("f103_i2c", tests, NULL, NULL);
}
