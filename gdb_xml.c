/* gdb_xml.c - the documents gdb reads when it attaches.
 *
 *   target.xml    the registers: their names, sizes and numbers
 *   memory-map    where flash is (and its erase blocks), so that `load` works
 *
 * gdb asks for a document in pieces: "offset,length".  We keep none in memory: for each
 * request the document is written again from its start, and only what falls into the
 * window [offset, offset + length) becomes reply.  A first pass with no reply at all
 * finds out how long it is, because the answer begins with 'l' (last) or 'm' (more).
 *
 * The memory map leaves no holes.  gdb refuses to touch what is not in it, and people
 * want their peripherals, so everything that is not flash is called RAM, ROM too: a write is
 * refused by us or by the target itself, in better words than gdb's own "Load failed".
 *
 * Source: GDB manual, appendices G "Target Descriptions" (ARM Features), E "Memory Map
 * Format". */
#include "gdb_xml.h"
#include "print.h"
#include "rsp.h"

/* Handlers share one type, and not each needs all of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The piece that was asked for; at counts the characters written so far. */
static struct { uint32_t start, length, at; } window;

static void put_char(char c)
{
    if (window.at++ - window.start < window.length)
        rsp_char(c);
}

static void __attribute__((format(printf, 1, 2))) write(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    print_list(put_char, format, list);
    va_end(list);
}

static int reply_piece(void (*document)(void), uint32_t start, uint32_t length)
{
    window.at = window.length = 0;
    document();                         /* length 0: only counts */
    if (length > RSP_PACKET_MAX - 1)
        length = RSP_PACKET_MAX - 1;
    rsp_char(start < window.at && window.at - start > length ? 'm' : 'l');
    window.start = start;
    window.length = length;
    window.at = 0;
    document();
    return OK;
}

uint32_t gdb_register_size(uint32_t number)
{
    const struct cortexm_info *core = cortexm_core();

    if (number >= REG_COUNT || (number >= REG_FPSCR && !core->fpu))
        return 0;
    if (!core->v7m && (number == REG_BASEPRI || number == REG_FAULTMASK))
        return 0;
    return number >= REG_D0 ? 8 : 4;
}

/* A row is for the registers from first on, up to the next row; %u counts them.  gdb saves
 * them all around a call of a function that it makes: msp or psp is also sp, and goes back
 * with it, for else gdb's copies of the two differ. */
enum { INT, DATA, CODE, DOUBLE };
static const char *const types[] = {
    [INT] = "int", [DATA] = "data_ptr", [CODE] = "code_ptr", [DOUBLE] = "ieee_double"
};
static const struct row { uint8_t first, type; char name[10]; } registers[] = {
    { REG_R0, INT, "r%u" }, { REG_SP, DATA, "sp" }, { REG_LR, INT, "lr" },
    { REG_PC, CODE, "pc" }, { REG_XPSR, INT, "xpsr" },
    { REG_MSP, DATA, "msp" }, { REG_PSP, DATA, "psp" },
    { REG_PRIMASK, INT, "primask" }, { REG_BASEPRI, INT, "basepri" },
    { REG_FAULTMASK, INT, "faultmask" }, { REG_CONTROL, INT, "control" },
    { REG_FPSCR, INT, "fpscr" }, { REG_D0, DOUBLE, "d%u" }, { REG_COUNT, INT, "" }
};

static void write_row(const struct row *row)
{
    for (unsigned number = row->first; number < row[1].first; number++) {
        unsigned size = gdb_register_size(number);
        if (size == 0)
            continue;
        write("<reg name='");
        write(row->name, number - row->first);
        write("' bitsize='%u' regnum='%u' type='%s'/>", 8 * size, number,
              types[row->type]);
    }
}

static void begin_feature(const char *before, const char *name)
{
    write("%s<feature name='org.gnu.gdb.arm.%s'>", before, name);
}

static void write_registers(void)
{
    begin_feature("<target><architecture>arm</architecture>", "m-profile");
    for (const struct row *row = registers; row->first < REG_COUNT; row++) {
        if (row->first == REG_MSP || (row->first == REG_FPSCR && cortexm_core()->fpu))
            begin_feature("</feature>", row->first == REG_MSP ? "m-system" : "vfp");
        write_row(row);
    }
    write("</feature></target>");
}

int gdb_target_xml(uint32_t offset, uint32_t length, struct scan *rest)
{
    return reply_piece(write_registers, offset, length);
}

static void write_memory_map(void)
{
    struct region piece;
    uint32_t from = 0;

    write("<memory-map>");
    do {
        target_piece(from, &piece);
        write("<memory type='%s' start='0x%x' length='0x%x'>", piece.kind == REGION_FLASH ? "flash" : "ram", (unsigned)piece.base, (unsigned)piece.size);
        if (piece.kind == REGION_FLASH)
            write("<property name='blocksize'>0x%x</property>", (unsigned)piece.page);
        write("</memory>");
        from += piece.size;
    } while (from != 0);
    write("</memory-map>");
}

int gdb_memory_map(uint32_t offset, uint32_t length, struct scan *rest)
{
    return reply_piece(write_memory_map, offset, length);
}
