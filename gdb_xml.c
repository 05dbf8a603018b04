/* gdb_xml.c - the documents gdb reads when it attaches.
 *
 *   target.xml    the registers: their names, sizes and numbers
 *   memory-map    where flash is (and its erase blocks), so that `load` works
 *   threads       one
 *
 * gdb asks for a document in pieces: "offset,length".  We keep none in memory: for each
 * request the document is written again from its start, and only what falls into the
 * window [offset, offset + length) becomes reply.  A first pass with no reply at all
 * finds out how long it is, because the answer begins with 'l' (last) or 'm' (more).
 *
 * The memory map leaves no holes.  gdb refuses to touch what is not in it, and people
 * want their peripherals, so everything that is not flash or ROM is called RAM; an access
 * to nothing is refused by the target itself, which knows better.
 *
 *   called by  gdb_remote.c      calls  target.c (what is attached), rsp.c, print.c
 *
 * Source: GDB manual, appendices G "Target Descriptions" (ARM Features), E "Memory Map
 * Format", "Thread List Format". */
#include "gdb_xml.h"
#include "print.h"
#include "rsp.h"

/* The part of a document that was asked for; at counts the characters written so far. */
struct window { uint32_t start, length, at; };

static void write_text(struct window *w, const char *text)
{
    for (; *text != '\0'; text++, w->at++)
        if (w->at - w->start < w->length)
            rsp_char(*text);
}

bool gdb_register_exists(int number)
{
    const struct cortexm_info *core = target_core();

    if (number < 0 || number >= REG_COUNT)
        return false;
    if (number >= REG_FPSCR)
        return core->fpu;
    return core->v7m || (number != REG_BASEPRI && number != REG_FAULTMASK);
}

uint32_t gdb_register_size(int number)
{
    return number >= REG_D0 ? 8 : 4;
}

/* Registers behind r12.  The stack pointers are not saved around a function call made by
 * gdb: one of them is sp, and would be written twice. */
static const struct { const char *name, *attributes; } special[] = {
    [REG_SP] = { "sp", "type='data_ptr'" },
    [REG_LR] = { "lr", "" },
    [REG_PC] = { "pc", "type='code_ptr'" },
    [REG_XPSR] = { "xpsr", "" },
    [REG_MSP] = { "msp", "save-restore='no' type='data_ptr'" },
    [REG_PSP] = { "psp", "save-restore='no' type='data_ptr'" },
    [REG_PRIMASK] = { "primask", "save-restore='no'" },
    [REG_BASEPRI] = { "basepri", "save-restore='no'" },
    [REG_FAULTMASK] = { "faultmask", "save-restore='no'" },
    [REG_CONTROL] = { "control", "save-restore='no'" },
    [REG_FPSCR] = { "fpscr", "type='int' group='float'" },
};

static void write_register(struct window *w, int number)
{
    char text[96], name[12];
    const char *attributes = "";

    if (number < REG_SP)
        print_text(name, sizeof name, "r%d", number);
    else if (number < REG_D0)
        print_text(name, sizeof name, "%s", special[number].name);
    else
        print_text(name, sizeof name, "d%d", number - REG_D0);
    if (number >= REG_D0)
        attributes = "type='ieee_double'";
    else if (number >= REG_SP)
        attributes = special[number].attributes;
    print_text(text, sizeof text, "<reg name='%s' bitsize='%u' regnum='%d' %s/>", name,
               (unsigned)gdb_register_size(number) * 8, number, attributes);
    write_text(w, text);
}

static void write_registers(struct window *w)
{
    write_text(w, "<?xml version='1.0'?><!DOCTYPE target SYSTEM 'gdb-target.dtd'>"
                  "<target><architecture>arm</architecture>"
                  "<feature name='org.gnu.gdb.arm.m-profile'>");
    for (int number = 0; number < REG_COUNT; number++) {
        if (number == REG_MSP)
            write_text(w, "</feature><feature name='org.gnu.gdb.arm.m-system'>");
        if (number == REG_FPSCR && target_core()->fpu)
            write_text(w, "</feature><feature name='org.gnu.gdb.arm.vfp'>");
        if (gdb_register_exists(number))
            write_register(w, number);
    }
    write_text(w, "</feature></target>");
}

void gdb_memory_piece(uint32_t from, struct region *piece)
{
    const struct region *regions;
    int count = target_regions(&regions);
    uint32_t next = 0;                  /* where the nearest region begins: 0 = 2^32 */

    for (int i = 0; i < count; i++) {
        const struct region *r = &regions[i];
        if (r->kind == REGION_RAM || r->size == 0)
            continue;
        if (from - r->base < r->size) {
            *piece = *r;
            piece->base = from;
            piece->size = r->size - (from - r->base);
            return;
        }
        if (r->base > from && (next == 0 || r->base < next))
            next = r->base;
    }
    *piece = (struct region){ .kind = REGION_RAM, .base = from, .size = next - from };
    if (piece->size == 0)               /* 2^32 does not fit: in two halves, then */
        piece->size = 0x80000000;
}

static void write_memory_map(struct window *w)
{
    static const char *const kinds[] = { "ram", "flash", "rom" };
    struct region piece;
    char text[96];
    uint32_t from = 0;

    write_text(w, "<?xml version='1.0'?><memory-map>");
    do {
        gdb_memory_piece(from, &piece);
        print_text(text, sizeof text, "<memory type='%s' start='0x%lx' length='0x%lx'",
                   kinds[piece.kind], (unsigned long)piece.base,
                   (unsigned long)piece.size);
        write_text(w, text);
        if (piece.kind == REGION_FLASH) {
            print_text(text, sizeof text, "><property name='blocksize'>0x%lx</property>"
                       "</memory>", (unsigned long)piece.page);
            write_text(w, text);
        } else {
            write_text(w, "/>");
        }
        from += piece.size;
    } while (from != 0);
    write_text(w, "</memory-map>");
}

static void write_threads(struct window *w)
{
    write_text(w, "<?xml version='1.0'?><threads><thread id='1' core='0'/></threads>");
}

static const struct {
    const char *name;
    void (*write)(struct window *w);
} documents[] = {
    { "features:read:target.xml:", write_registers },
    { "memory-map:read::", write_memory_map },
    { "threads:read::", write_threads },
};

static void reply_window(void (*write)(struct window *w), uint32_t start, uint32_t length)
{
    struct window w = { 0, 0, 0 };

    write(&w);                          /* length 0: only counts */
    rsp_begin();
    if (length > rsp_room() - 1)
        length = rsp_room() - 1;
    rsp_char(start < w.at && w.at - start > length ? 'm' : 'l');
    w = (struct window){ start, length, 0 };
    write(&w);
    rsp_end();
}

void gdb_xml_reply(struct scan *args)
{
    for (unsigned i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        if (!scan_word(args, documents[i].name))
            continue;
        uint32_t start = scan_hex(args);
        scan_expect(args, ',');
        uint32_t length = scan_hex(args);
        if (scan_done(args) && target_attached()) {
            reply_window(documents[i].write, start, length);
            return;
        }
        rsp_begin();
        rsp_text("E01");                /* nothing attached, or a malformed window */
        rsp_end();
        return;
    }
    rsp_begin();
    rsp_end();
}
