/* target.c - which chip is this, what memory has it, how to reset it.
 *
 * A scan connects to the debug port, walks the access ports, and asks each family in
 * turn whether the chip behind is one of its own.  A chip that nobody knows is still a
 * Cortex-M: registers, memory, breakpoints all work, only its flash cannot be written.
 *
 * A locked chip whose core cannot be read is listed, can be mass erased, and cannot be
 * attached.
 *
 * nRST is only waited for with a bound: a stuck line makes a reset fail, nothing else.
 *
 * Source: IHI 0031 (ADIv5.2) C2.6.7 (IDR); DDI 0403 (Armv7-M ARM) B3.1 (memory map). */
#include "target.h"
#include "adi.h"
#include "clock.h"
#include "flash.h"
#include "loader.h"
#include "wire.h"
#include "say.h"

enum { CPUID = 0xE000ED00 };
enum { RESET_PULSE_US = 10000, NRST_RISE_MS = 100 };

static const struct family *const families[] = { &samd_family, &stm32_family, &nordic_family };

struct target_options target_options = {
    .halt_timeout_ms = 2000, .flash_skip = true, .psize = 4
};

static struct {
    enum { NO, ATTACHED, WATCHED } attached;
    bool looked_at;
    bool caught;                        /* by a scan under reset, and not let go yet */
    int count;                          /* of chips */
    int why;                            /* there is no chip */
    int current;                        /* attached, or the locked one last asked for */
    int region_count;
    uint32_t blocks;                    /* of flash */
    struct region regions[TARGET_REGIONS + 1];  /* the last takes what is too much */
    struct chip chips[TARGET_MAX];
} target;

/* --- scanning ----------------------------------------------------------------- */

/* What sits behind the selected AP; false if it is no core that we can debug. */
static bool identify_chip(struct chip *chip, uint8_t ap)
{
    *chip = (struct chip){ .ap = ap };
    int error = adi_read32(CPUID, &chip->cpuid);
    if (error)
        target.why = error;
    if (error || chip->cpuid == 0xFFFFFFFF || (chip->cpuid & 0x000C0000) != 0x000C0000)
        chip->cpuid = 0;
    chip->core = chip->cpuid ? cortexm_name(chip->cpuid) : "?";
    for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
        if (families[i]->identify(chip)) {
            chip->family = families[i];
            return true;
        }
    chip->id = chip->cpuid;
    __builtin_memcpy(chip->name, "unknown chip", sizeof "unknown chip");
    return chip->cpuid != 0;
}

/* IDR: class MEM-AP (8) and an AHB or AXI bus.  APs are numbered without gaps. */
static void walk_access_ports(void)
{
    uint32_t idr;

    for (uint32_t n = 0; n < 256 && target.count < TARGET_MAX; n++) {
        uint8_t ap = (uint8_t)n;
        if (adi_ap_idr(ap, &idr) || idr == 0)
            break;
        watchdog_feed();
        bool memory = (idr >> 13 & 0xF) == 8, apb = (idr & 0xF) == 2;
        if (memory && !apb && adi_select_ap(ap) == OK &&
            identify_chip(&target.chips[target.count], ap))
            target.count++;
    }
}

static void hold_reset(void)
{
    wire_set_nrst(true);
    clock_wait_us(RESET_PULSE_US);
}

static void release_reset(void)
{
    uint32_t deadline = clock_in_ms(NRST_RISE_MS);

    wire_set_nrst(false);
    while (wire_nrst_is_low() && !clock_passed(deadline))
        ;
    clock_wait_us(1000);
}

/* With nRST low the core stands still, so whatever its program does to the debug pins
 * or to sleep has not happened yet.  The vector catch then stops it at its first
 * instruction. */
static int connect_under_reset(void)
{
    if (!wire_take(WIRE_GDB))
        return ERR_WIRE_TAKEN;
    hold_reset();
    int error = adi_connect(0);
    if (!error)
        error = adi_select_ap(0);
    if (!error) {
        cortexm_catch_reset();
        target.caught = true;
    }
    release_reset();
    return error;
}

static int scan(bool under_reset)
{
    target_detach();
    target.count = target.current = 0;
    target.why = ERR_UNSUPPORTED;
    adi_look_into_cache(false);
    int error = under_reset ? connect_under_reset() : OK;
    if (error || !adi_connected())
        error = adi_connect(0);
    if (error) {
        adi_disconnect();
        return error;
    }
    walk_access_ports();
    return target.count ? OK : adi_connected() ? target.why : ERR_LOST;
}

int target_scan(void)
{
    return scan(target_options.connect_under_reset);
}

int target_count(void)
{
    return target.count;
}

const struct target_info *target_info(int index)
{
    static struct target_info info;
    const struct chip *chip = &target.chips[index];

    info = (struct target_info){ chip->name, chip->core, chip->id, chip->locked,
                                 target_attached() && index == target.current,
                                 chip->flash_size };
    return &info;
}

/* --- memory map --------------------------------------------------------------- */

static struct region *new_region(enum region_kind kind, uint32_t base, uint32_t size)
{
    struct region *r = &target.regions[target.region_count];

    if (size && target.region_count < TARGET_REGIONS)
        target.region_count++;
    *r = (struct region){ .kind = kind, .base = base, .size = size, .page = 0x400 };
    return r;
}

void target_map(enum region_kind kind, uint32_t base, uint32_t size)
{
    new_region(kind, base, size);
}

struct region *target_map_flash(const struct controller *controller, uint32_t base,
                                uint32_t size, uint32_t block)
{
    struct region *r = new_region(REGION_FLASH, base, size);

    r->page = block;
    r->controller = controller;
    r->index = (uint16_t)target.blocks;
    target.blocks += size / block;
    return r;
}

/* What is in no region is more RAM, peripherals, or devices. */
void target_map_all(void)
{
    const struct chip *chip = target_chip();

    target.region_count = 0;
    target.blocks = 0;
    if (chip->family) {
        chip->family->map(chip);
    } else {
        target_map(REGION_FLASH, 0x00000000, 0x10000000);   /* code: `load` is refused */
        target_map(REGION_RAM, 0x10000000, 0x30000000);
    }
}

uint32_t target_blocks(void)
{
    return target.blocks;
}

const struct region *target_flash(uint32_t address)
{
    for (int i = 0; i < target.region_count; i++) {
        const struct region *r = &target.regions[i];
        if (r->controller && address - r->base < r->size)
            return r;
    }
    return 0;
}

bool target_has_controller(uint32_t address)
{
    const struct region *r;

    for (int count = target_regions(&r); count > 0; count--, r++)
        if (r->controller && (address ^ r->controller->base) < 0x200)
            return true;
    return false;
}

int target_regions(const struct region **regions)
{
    *regions = target.regions;
    return target.attached ? target.region_count : 0;
}

static void piece_at(uint32_t from, struct region *piece)
{
    uint32_t last = 0xFFFFFFFF;         /* of what lies before the nearest region */

    for (int i = 0; i < target.region_count; i++) {
        const struct region *r = &target.regions[i];
        if (r->kind == REGION_RAM)
            continue;
        if (from - r->base < r->size) {
            *piece = *r;
            piece->base = from;
            piece->size = r->base + r->size - from;
            return;
        }
        if (r->base > from && r->base - 1 < last)
            last = r->base - 1;
    }
    *piece = (struct region){ .kind = REGION_RAM, .base = from, .size = last + 1 - from };
    if (piece->size == 0)               /* 2^32 does not fit: in two halves, then */
        piece->size = 0x80000000;
}

/* Flash that is not at 0 is seen there as well. */
void target_piece(uint32_t from, struct region *piece)
{
    const struct chip *chip = &target.chips[target.current];
    uint32_t home = from < chip->flash_base ? chip->flash_base : 0;

    piece_at(from + home, piece);
    piece->base -= home;
    if (home && piece->size > home - from)
        piece->size = home - from;
}

/* --- attach, detach ----------------------------------------------------------- */

static int set_debugged(const struct chip *chip, bool on)
{
    return chip->family && chip->family->debugged ? chip->family->debugged(chip, on) : OK;
}

static int take(const struct chip *chip)
{
    int error = adi_select_ap(chip->ap);

    if (!error)
        error = cortexm_attach();
    if (!error)
        error = cortexm_halt_wait(target_options.halt_timeout_ms);
    return error ? error : set_debugged(chip, true);
}

int target_attach(int index)
{
    if (target.attached)
        target_detach();
    if (!target.count || !adi_connected()) {
        int error = target_scan();
        if (error)
            return error;
    }
    if (index < 0 || index >= target.count)
        return ERR_INDEX;
    const struct chip *chip = &target.chips[index];
    target.current = index;
    if (!chip->cpuid)
        return ERR_LOCKED;
    int error = take(chip);
    if (error) {
        cortexm_detach(LEAVE_ALONE);
        return error;
    }
    target.attached = ATTACHED;
    target_map_all();
    return OK;
}

int target_look(void)
{
    int error = scan(false);
    const struct chip *chip = &target.chips[0];

    if (!error)
        error = chip->cpuid ? adi_select_ap(chip->ap) : ERR_LOCKED;
    if (!error)
        error = set_debugged(chip, true);
    target.looked_at = !error;
    if (error)
        target_detach();
    return error;
}

bool target_looked_at(void)
{
    return target.looked_at;
}

/* Of a chip that nobody knows: as far as it can be read. */
uint32_t target_ram(uint32_t *size)
{
    const struct chip *chip = &target.chips[target.current];

    *size = chip->ram_size ? chip->ram_size : 0x100000;
    return chip->ram_size ? chip->ram_base : 0x20000000;
}

/* The core first: a watchdog that runs again must not wait for it. */
void target_detach(void)
{
    const struct chip *chip = &target.chips[target.current];

    if (target.attached || (target.caught && adi_select_ap(0) == OK))
        cortexm_detach(LEAVE_ALONE);
    if (target.attached || target.looked_at) {
        set_debugged(chip, true);       /* the program may have turned off what that needs */
        set_debugged(chip, false);
    }
    target.attached = target.looked_at = target.caught = false;
    adi_disconnect();
}

void target_leave(enum leave how)
{
    cortexm_detach(how);
    target.attached = how == LEAVE_RUNNING ? WATCHED : NO;
}

bool target_watched(void)
{
    return target.attached == WATCHED;
}

void target_lost(void)
{
    target.attached = target.looked_at = false;
    target.count = 0;
    adi_disconnect();
    loader_stop();                      /* it was lost with the target */
}

/* Not inline: there are so many calls of it. */
__attribute__((noinline)) bool target_attached(void)
{
    return target.attached == ATTACHED;
}

const struct chip *target_chip(void)
{
    const struct chip *chip = &target.chips[target.current];

    if (target.current >= target.count)
        return 0;
    return target_attached() || !chip->cpuid ? chip : 0;
}

/* --- memory, reset ------------------------------------------------------------ */

int target_read(uint32_t address, void *bytes, uint32_t length)
{
    return target.attached ? adi_read(address, bytes, length) : ERR_NO_TARGET;
}

__attribute__((noinline)) int target_write(uint32_t address, const void *bytes, uint32_t length)
{
    cortexm_memory_changed();
    return target.attached ? adi_write(address, bytes, length) : ERR_NO_TARGET;
}

/* Some chips lose their debug port by the pin, and all of it is set up anew then. */
static int reset_by_pin(bool halt)
{
    int error = cortexm_before_reset(halt);

    if (error && !adi_connected())
        return error;
    hold_reset();
    release_reset();
    error = cortexm_after_reset(halt);
    if (adi_connected() || adi_connect(0) || adi_select_ap(target_chip()->ap))
        return error;
    return cortexm_after_reset(halt);
}

int target_reset(bool pin, bool halt)
{
    if (!target.attached)
        return ERR_NO_TARGET;
    int error = pin ? reset_by_pin(halt) : cortexm_reset(halt);
    if (error == ERR_TIMEOUT && pin)
        error = cortexm_reset(halt);    /* nRST is not wired, it seems */
    return error ? error : set_debugged(target_chip(), true);
}

/* --- mass erase --------------------------------------------------------------- */

int target_reach(const struct chip *chip)
{
    int error = adi_connected() ? OK : adi_connect(0);

    return error ? error : adi_select_ap(chip->ap);
}

/* Protection is read by a chip when it starts. */
void target_is_open_now(void)
{
    if (!target.attached) {
        hold_reset();
        release_reset();
        target_lost();
    }
    say("The chip is open. Turn the target off and on, then scan again.\n");
}
