/* load.c - files into a chip's flash: raw binary, Intel HEX, ELF.
 *
 *   called by  board.c (--flash, --target NAME:FILE), main.c      calls  bus.h
 *
 * A file is first cut into pieces (address, bytes), whatever its format; then every piece
 * is checked against the chip's flash and against what was loaded before; only then is
 * anything copied.  So a bad file changes nothing.
 *
 * The symbols of an ELF stay in memory, sorted by address, and answer cpu_symbol().
 *
 * Errors are one sentence that names the file and says what to do.
 *
 * Sources: Intel, Hexadecimal Object File Format Specification, rev A (1988); System V
 * ABI, ELF header, program header, symbol table; ELF for the Arm Architecture 5.3. */
#include "board.h"
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_LIMIT = 16 << 20 };     /* no flash image is larger, an ELF with -g3 may be */

struct symbol { uint32_t address, size; char *name; };

/* What is known of one chip.  Kept for as long as the chip lives. */
struct loaded {
    const struct chip *chip;
    struct load_range *ranges;
    int range_count;
    struct symbol *symbols;         /* functions, sorted by address */
    int symbol_count;
    struct loaded *next;
};
static struct loaded *all_loaded;

/* One file on its way in. */
struct job {
    struct chip *chip;
    const char *name;               /* as the user gave it, without @ADDR */
    uint8_t *bytes;
    size_t size;
    struct piece { uint32_t address, size; size_t at; } *pieces;   /* at: in data */
    int piece_count;
    uint8_t *data;
    size_t data_size;
    char *error;
    int error_size;
};

__attribute__((format(printf, 2, 3)))
static bool fail(struct job *job, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(job->error, (size_t)job->error_size, format, args);
    va_end(args);
    return false;
}

static struct loaded *loaded_of(const struct chip *chip)
{
    struct loaded *loaded = all_loaded;
    while (loaded && loaded->chip != chip)
        loaded = loaded->next;
    if (loaded)
        return loaded;
    loaded = calloc(1, sizeof *loaded);
    loaded->chip = chip;
    loaded->next = all_loaded;
    all_loaded = loaded;
    return loaded;
}

void load_forget(const struct chip *chip)
{
    struct loaded **link = &all_loaded;
    while (*link && (*link)->chip != chip)
        link = &(*link)->next;
    struct loaded *loaded = *link;
    if (!loaded)
        return;
    *link = loaded->next;
    for (int i = 0; i < loaded->symbol_count; i++)
        free(loaded->symbols[i].name);
    for (int i = 0; i < loaded->range_count; i++)
        free((char *)loaded->ranges[i].file);
    free(loaded->symbols);
    free(loaded->ranges);
    free(loaded);
}

int load_ranges(const struct chip *chip, struct load_range *ranges, int room)
{
    const struct loaded *loaded = loaded_of(chip);
    for (int i = 0; i < loaded->range_count && i < room; i++)
        ranges[i] = loaded->ranges[i];
    return loaded->range_count;
}

/* --- pieces ------------------------------------------------------------------------ */

/* Appends bytes to the last piece when they continue it. */
static void add_piece(struct job *job, uint32_t address, const uint8_t *bytes, uint32_t size)
{
    struct piece *last = job->piece_count ? &job->pieces[job->piece_count - 1] : NULL;
    if (!last || last->address + last->size != address) {
        job->pieces = realloc(job->pieces,
                              sizeof *job->pieces * (size_t)(job->piece_count + 1));
        last = &job->pieces[job->piece_count++];
        *last = (struct piece){ address, 0, job->data_size };
    }
    job->data = realloc(job->data, job->data_size + size);
    memcpy(job->data + job->data_size, bytes, size);
    job->data_size += size;
    last->size += size;
}

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
    return a < b + (uint64_t)b_size && b < a + (uint64_t)a_size;
}

static bool check_piece(struct job *job, const struct piece *piece)
{
    const struct chip *chip = job->chip;
    uint64_t end = (uint64_t)piece->address + piece->size;
    if (piece->address < chip->flash_base || end > (uint64_t)chip->flash_base + chip->flash_size)
        return fail(job, "%s: 0x%08X to 0x%08X is not inside the flash of the %s (0x%08X to "
                    "0x%08X). Link it for this chip, or give another address as FILE@ADDRESS.",
                    job->name, piece->address, (uint32_t)(end - 1), chip->name,
                    chip->flash_base, chip->flash_base + chip->flash_size - 1);
    const struct loaded *loaded = loaded_of(chip);
    for (int i = 0; i < loaded->range_count; i++) {
        const struct load_range *range = &loaded->ranges[i];
        if (overlap(piece->address, piece->size, range->address, range->size))
            return fail(job, "%s overlaps with %s (0x%08X to 0x%08X). Load one of them, or "
                        "give another address as FILE@ADDRESS.", job->name, range->file,
                        range->address, range->address + range->size - 1);
    }
    const struct piece *first = job->pieces;
    for (; first < piece; first++)
        if (overlap(piece->address, piece->size, first->address, first->size))
            return fail(job, "%s gives the bytes at 0x%08X twice. Make the file again.",
                        job->name, piece->address);
    return true;
}

static bool store_pieces(struct job *job)
{
    if (!job->piece_count)
        return fail(job, "%s holds nothing to load. Is it the right file?", job->name);
    for (int i = 0; i < job->piece_count; i++)
        if (!check_piece(job, &job->pieces[i]))
            return false;
    struct loaded *loaded = loaded_of(job->chip);
    loaded->ranges = realloc(loaded->ranges, sizeof *loaded->ranges *
                             (size_t)(loaded->range_count + job->piece_count));
    for (int i = 0; i < job->piece_count; i++) {
        const struct piece *piece = &job->pieces[i];
        memcpy(job->chip->flash + (piece->address - job->chip->flash_base),
               job->data + piece->at, piece->size);
        loaded->ranges[loaded->range_count++] =
            (struct load_range){ strdup(job->name), piece->address, piece->size };
    }
    return true;
}

/* --- Intel HEX --------------------------------------------------------------------- */

enum { HEX_DATA, HEX_END, HEX_SEGMENT, HEX_START_SEGMENT, HEX_LINEAR, HEX_START_LINEAR };

static int hex_digit(int c)
{
    return isdigit(c) ? c - '0' : isxdigit(c) ? toupper(c) - 'A' + 10 : -1;
}

/* One record after its ':' into bytes; how many, or -1 if it is no record. */
static int hex_bytes(const char *text, size_t length, uint8_t bytes[260])
{
    if (length % 2 || length < 10 || length / 2 > 260)
        return -1;
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_digit((unsigned char)text[2 * i]);
        int low = hex_digit((unsigned char)text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return (int)(length / 2);
}

/* 1: go on, 0: the end record, -1: wrong (said). */
static int hex_record(struct job *job, const uint8_t *record, int length, int line,
                      uint32_t *base)
{
    uint8_t sum = 0;
    for (int i = 0; i < length; i++)
        sum = (uint8_t)(sum + record[i]);
    if (record[0] + 5 != length)
        return fail(job, "%s, line %d: the record says %d bytes and has %d. The file is "
                    "damaged: make it again.", job->name, line, record[0], length - 5), -1;
    if (sum != 0)
        return fail(job, "%s, line %d: wrong checksum. The file is damaged: make it again.",
                    job->name, line), -1;
    uint32_t offset = (uint32_t)(record[1] << 8 | record[2]);
    uint32_t value = length >= 7 ? (uint32_t)(record[4] << 8 | record[5]) : 0;
    switch (record[3]) {
    case HEX_DATA:
        if (record[0])
            add_piece(job, *base + offset, record + 4, record[0]);
        return 1;
    case HEX_END:           return 0;
    case HEX_SEGMENT:       *base = value << 4; return 1;
    case HEX_LINEAR:        *base = value << 16; return 1;
    case HEX_START_SEGMENT: return 1;
    case HEX_START_LINEAR:  return 1;
    default:
        return fail(job, "%s, line %d: record type %02X is none of Intel HEX.", job->name,
                    line, record[3]), -1;
    }
}

static bool parse_hex(struct job *job)
{
    const char *text = (const char *)job->bytes, *end = text + job->size;
    uint32_t base = 0;
    for (int line = 1; text < end; line++) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((eol ? eol : end) - text);
        const char *next = eol ? eol + 1 : end;
        while (length && isspace((unsigned char)text[length - 1]))
            length--;
        if (length) {
            uint8_t record[260];
            int bytes = *text == ':' ? hex_bytes(text + 1, length - 1, record) : -1;
            if (bytes < 0)
                return fail(job, "%s, line %d: this is not an Intel HEX record. The file is "
                            "damaged or of another kind.", job->name, line);
            int more = hex_record(job, record, bytes, line, &base);
            if (more <= 0)
                return more == 0;
        }
        text = next;
    }
    return fail(job, "%s ends without an end record: it is truncated. Make it again.",
                job->name);
}

/* --- ELF ---------------------------------------------------------------------------- */

static bool inside(const struct job *job, uint64_t offset, uint64_t size)
{
    return offset <= job->size && size <= job->size - offset;
}

static const void *elf_at(const struct job *job, uint64_t offset, uint64_t size)
{
    return inside(job, offset, size) ? job->bytes + offset : NULL;
}

static bool elf_truncated(struct job *job)
{
    return fail(job, "%s is truncated: its headers speak of more than it holds. Link it "
                "again.", job->name);
}

static const Elf32_Ehdr *elf_header(struct job *job)
{
    const Elf32_Ehdr *header = elf_at(job, 0, sizeof *header);
    if (!header) {
        elf_truncated(job);
        return NULL;
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS32 || header->e_ident[EI_DATA] != ELFDATA2LSB
        || header->e_machine != EM_ARM) {
        fail(job, "%s is an ELF for another processor; a 32-bit little-endian Arm program "
             "is needed.", job->name);
        return NULL;
    }
    return header;
}

static bool elf_segments(struct job *job, const Elf32_Ehdr *header)
{
    for (int i = 0; i < header->e_phnum; i++) {
        const Elf32_Phdr *segment = elf_at(job, header->e_phoff + (uint64_t)i *
                                           header->e_phentsize, sizeof *segment);
        if (!segment)
            return elf_truncated(job);
        if (segment->p_type != PT_LOAD || segment->p_filesz == 0)
            continue;
        const uint8_t *bytes = elf_at(job, segment->p_offset, segment->p_filesz);
        if (!bytes)
            return elf_truncated(job);
        add_piece(job, segment->p_paddr, bytes, segment->p_filesz);
    }
    return true;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static void keep_symbol(struct loaded *loaded, const Elf32_Sym *symbol, const char *name)
{
    loaded->symbols = realloc(loaded->symbols, sizeof *loaded->symbols *
                              (size_t)(loaded->symbol_count + 1));
    loaded->symbols[loaded->symbol_count++] = (struct symbol){
        symbol->st_value & ~1u, symbol->st_size, strdup(name) };
}

/* Functions only; "$t" and "$d" are the mapping symbols of Arm's ELF. */
static void elf_table(struct job *job, const Elf32_Shdr *table, const Elf32_Shdr *strings)
{
    struct loaded *loaded = loaded_of(job->chip);
    for (uint64_t at = 0; at + sizeof(Elf32_Sym) <= table->sh_size; at += sizeof(Elf32_Sym)) {
        const Elf32_Sym *symbol = elf_at(job, table->sh_offset + at, sizeof *symbol);
        if (!symbol || symbol->st_name >= strings->sh_size ||
            !inside(job, strings->sh_offset, strings->sh_size))
            continue;
        const char *name = (const char *)job->bytes + strings->sh_offset + symbol->st_name;
        size_t room = strings->sh_size - symbol->st_name;
        int type = ELF32_ST_TYPE(symbol->st_info);
        bool code = type == STT_FUNC || (type == STT_NOTYPE && symbol->st_value & 1);
        if (code && symbol->st_shndx != SHN_UNDEF && memchr(name, 0, room) && *name
            && *name != '$')
            keep_symbol(loaded, symbol, name);
    }
    if (loaded->symbol_count)
        qsort(loaded->symbols, (size_t)loaded->symbol_count, sizeof *loaded->symbols,
              by_address);
}

static const Elf32_Shdr *elf_section(const struct job *job, const Elf32_Ehdr *header, uint32_t n)
{
    if (n >= header->e_shnum)
        return NULL;
    return elf_at(job, header->e_shoff + (uint64_t)n * header->e_shentsize,
                  sizeof(Elf32_Shdr));
}

static const char *symbol_at(const struct cpu *cpu, uint32_t address, uint32_t *offset)
{
    const struct loaded *loaded = all_loaded;
    while (loaded && loaded->chip->cpu != cpu)
        loaded = loaded->next;
    int low = 0, high = loaded ? loaded->symbol_count : 0;
    while (low < high) {            /* the last one that starts at or before address */
        int middle = (low + high) / 2;
        if (loaded->symbols[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const struct symbol *symbol = &loaded->symbols[low - 1];
    *offset = address - symbol->address;
    return symbol->size && *offset >= symbol->size ? NULL : symbol->name;
}

static void elf_symbols(struct job *job, const Elf32_Ehdr *header)
{
    for (uint32_t i = 0; i < header->e_shnum; i++) {
        const Elf32_Shdr *table = elf_section(job, header, i);
        const Elf32_Shdr *strings = table && table->sh_type == SHT_SYMTAB ?
            elf_section(job, header, table->sh_link) : NULL;
        if (strings)
            elf_table(job, table, strings);
    }
    cpu_symbol = symbol_at;
}

static bool is_elf(const struct job *job)
{
    return job->size >= SELFMAG && memcmp(job->bytes, ELFMAG, SELFMAG) == 0;
}

/* --- files --------------------------------------------------------------------------- */

static bool read_file(struct job *job)
{
    FILE *file = fopen(job->name, "rb");
    if (!file)
        return fail(job, "%s cannot be read: %s. Check the name, or build it first.",
                    job->name, strerror(errno));
    job->bytes = malloc(FILE_LIMIT);
    errno = 0;
    job->size = fread(job->bytes, 1, FILE_LIMIT, file);
    bool whole = !ferror(file) && job->size < FILE_LIMIT;
    int why = errno;
    fclose(file);
    if (!whole)
        return fail(job, "%s cannot be read: %s.", job->name,
                    why ? strerror(why) : "it is larger than 16 MB");
    return job->size > 0 || fail(job, "%s is empty. Build it again.", job->name);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcasecmp(name + n - m, ending) == 0;
}

static bool parse(struct job *job, bool addressed, uint32_t address)
{
    bool hex = ends_with(job->name, ".hex") || ends_with(job->name, ".ihex");
    if (addressed && (hex || is_elf(job)))
        return fail(job, "%s brings its own addresses: leave \"@0x%X\" away.", job->name,
                    address);
    if (is_elf(job)) {
        const Elf32_Ehdr *header = elf_header(job);
        if (!header || !elf_segments(job, header) || !store_pieces(job))
            return false;
        elf_symbols(job, header);
        return true;
    }
    if (ends_with(job->name, ".elf"))
        return fail(job, "%s is no ELF file: it does not begin with one's mark. Build it "
                    "again.", job->name);
    if (hex)
        return parse_hex(job) && store_pieces(job);
    add_piece(job, addressed ? address : job->chip->flash_base, job->bytes,
              (uint32_t)job->size);
    return store_pieces(job);
}

static void free_job(struct job *job)
{
    free(job->bytes);
    free(job->pieces);
    free(job->data);
}

bool load_file(struct chip *chip, const char *file_at_address, char *error, int error_size)
{
    char name[1024];
    struct job job = { .chip = chip, .name = name, .error = error, .error_size = error_size };
    uint32_t address = 0;

    snprintf(name, sizeof name, "%s", file_at_address);
    char *at = strrchr(name, '@');
    if (at) {
        char *end;
        errno = 0;
        unsigned long long value = strtoull(at + 1, &end, 0);
        if (end == at + 1 || *end || errno || value > UINT32_MAX || at[1] == '-')
            return fail(&job, "\"%s\": what follows the @ is not an address. Write it like "
                        "FILE@0x%08X.", file_at_address, chip->flash_base);
        address = (uint32_t)value;
        *at = 0;
    }
    bool good = read_file(&job) && parse(&job, at, address);
    free_job(&job);
    return good;
}

bool load_symbols(struct chip *chip, const char *file, char *error, int error_size)
{
    struct job job = { .chip = chip, .name = file, .error = error, .error_size = error_size };
    const Elf32_Ehdr *header = NULL;

    if (read_file(&job)) {
        if (is_elf(&job))
            header = elf_header(&job);
        else
            fail(&job, "%s is no ELF file, so it has no symbols.", file);
    }
    if (header)
        elf_symbols(&job, header);
    free_job(&job);
    return header;
}
