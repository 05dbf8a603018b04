/* trace.h - the way of a trace packet, inside the debug units of a v7-M core.
 *
 *   dwt_trace.c  makes hardware's packets: PC samples, exceptions, events, data
 *   itm.c        has the program's ports; puts all packets in a row, with time stamps
 *   tpiu.c       sends their bytes over one pin, SWO
 *
 *   called by  coredebug.c, comparators.c, coresight.c */
#ifndef TRACE_H
#define TRACE_H

#include "coredebug.h"

/* dwt_trace.c */
struct dwt_trace *dwt_trace_new(struct coredebug *debug);
void dwt_trace_free(struct dwt_trace *trace);
void dwt_trace_reset(struct dwt_trace *trace);
/* DWT_CTRL, DEMCR, ITM_TCR or what CYCCNT does has changed. */
void dwt_trace_update(struct dwt_trace *trace);
uint32_t dwt_trace_control(const struct dwt_trace *trace);      /* DWT_CTRL[22:0] */
void dwt_trace_write_control(struct dwt_trace *trace, uint32_t value);
uint32_t dwt_trace_counter(struct dwt_trace *trace, int n);     /* CPICNT to FOLDCNT */
void dwt_trace_write_counter(struct dwt_trace *trace, int n, uint32_t value);
bool dwt_trace_counts(const struct dwt_trace *trace);   /* it needs the two that follow */
void dwt_trace_instruction(struct dwt_trace *trace);    /* before each one */
void dwt_trace_access(struct dwt_trace *trace);         /* it has loaded or stored */
/* Comparator n matched an access; what it says is to be traced. */
bool dwt_trace_has(uint32_t function);
void dwt_trace_match(struct dwt_trace *trace, int n, uint32_t address, int width, bool write,
                     uint32_t value);

/* itm.c */
struct itm *itm_new(struct coredebug *debug);
void itm_free(struct itm *itm);
void itm_reset(struct itm *itm);
uint32_t itm_read(struct itm *itm, uint32_t offset);
void itm_write(struct itm *itm, uint32_t offset, uint32_t value, int width);
bool itm_takes_hardware(const struct itm *itm);
bool itm_synchronizes(const struct itm *itm);           /* TCR.SYNCENA */
void itm_hardware(struct itm *itm, uint8_t header, uint32_t payload, int bytes);
void itm_sync(struct itm *itm);
void itm_pump(struct itm *itm);                         /* the TPIU has room */
unsigned itm_bus_id(const struct itm *itm);             /* TCR.TraceBusID */

/* tpiu.c */
struct tpiu *tpiu_new(struct coredebug *debug);
void tpiu_free(struct tpiu *tpiu);
void tpiu_reset(struct tpiu *tpiu);
uint32_t tpiu_read(const struct tpiu *tpiu, uint32_t offset);
void tpiu_write(struct tpiu *tpiu, uint32_t offset, uint32_t value);
bool tpiu_has_room(const struct tpiu *tpiu);
void tpiu_put(struct tpiu *tpiu, uint8_t byte);
void tpiu_clock_changed(struct tpiu *tpiu);
void tpiu_sync(struct tpiu *tpiu);
uint32_t tpiu_prescaler(const struct tpiu *tpiu);       /* ACPR + 1 */
void tpiu_connect(struct tpiu *tpiu, void (*drive)(void *ctx, int level), void *ctx);

#endif
