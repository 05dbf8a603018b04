/* gdb_server.h - what the files of the GDB server share.
 *
 *   gdb_remote.c   the packets, the client's questions, attach and detach
 *   gdb_run.c      continue, step, Ctrl-C, and why the target stopped
 *   gdb_memory.c   registers, memory and flash
 *
 * gdb_xml.c has a header of its own, for swbreak.c looks at its memory map, too.
 *
 * A handler gets the numbers of its packet and what follows them.  Either it puts an
 * answer (rsp.h), or what it returns is the answer: OK, an error, or one of the below.
 * An error after something was put goes unsaid: a short answer tells it. */
#ifndef GDB_SERVER_H
#define GDB_SERVER_H

#include "hex.h"
#include "target.h"

enum {
    LATER = -1,                         /* no answer: it comes when the target stops */
    EMPTY = -2                          /* the answer that means "I do not know that" */
};

typedef int gdb_handler(uint32_t a, uint32_t b, struct scan *rest);

extern struct gdb {
    /* What the client said about itself. */
    bool extended;                      /* '!' */
    bool reads_messages;                /* error-message: "E.text" */
    bool error_strings;                 /* lldb: "E01;text in hex" */
    bool names_breakpoints;             /* wants to hear the kind of breakpoint */
    bool multiprocess;                  /* "p1.1" is a thread, not "1" */
    bool non_stop;                      /* asks and sets while the target runs; see gdb_run.c */

    bool console;                       /* "O" packets are allowed now */
    bool flash_job;                     /* between flash_begin() and flash_end() */
    bool by_hand;                       /* somebody writes to the flash's controller */

    /* While the target runs on gdb's behalf. */
    bool running;
    bool stepping;                      /* ... by an instruction, or over a range */
    enum { CALL_NONE, CALL_TEXT, CALL_ASKED } call;     /* of semihosting, under way */
    enum ctrl_c {
        CTRL_C_NONE,
        CTRL_C_OPEN,                    /* one has come that no stop has answered yet */
        CTRL_C_SPENT                    /* those that come now are for the packet before */
    } ctrl_c;
    struct stop stop;                   /* why it stands still */
    uint32_t halt_deadline;
    uint32_t range_start, range_size;   /* vCont;r: steps inside of it; size 0: no */
    uint32_t resumed_ms, polled;        /* polled in core cycles */

    int unsaid;                         /* an error gdb showed as a number only */
    int owed;                           /* of a write that was confirmed beforehand */
    int target;                         /* index of the last attach, for `run` */
} gdb;

/* gdb_remote.c */
void gdb_console_opens(void);
void gdb_tell_reset(void);              /* on the console, if there was one */
void gdb_forget_target(void);
int gdb_owed(void);                     /* and it is paid: the answer must be this error */
/* Names our thread: "1", "0", "-1", or behind its process "p1.1", "p1.-1". */
bool gdb_scan_thread(struct scan *s);
const char *gdb_thread(void);           /* its name for this client */

/* gdb_run.c */
gdb_handler gdb_continue, gdb_step, gdb_vcont, gdb_put_stop;
void gdb_interrupt(void);
bool gdb_is_watch(enum stop_reason reason);
void gdb_goes_on(void);                 /* a call of the program is answered */
void gdb_program_ended(unsigned status);
void gdb_watch_target(void);

/* gdb_memory.c */
gdb_handler gdb_read_registers, gdb_write_registers, gdb_read_register,
            gdb_write_register, gdb_read_hex, gdb_read_binary, gdb_write_hex,
            gdb_write_binary, gdb_crc, gdb_search, gdb_insert, gdb_remove,
            gdb_flash_erase, gdb_flash_write, gdb_flash_done;
void gdb_drop_flash_job(void);           /* what is left of one that was broken off */
/* Whole pages; shows that it is alive where that is allowed. */
int gdb_erase_pages(uint32_t address, uint32_t length);

#endif
