/* vcd.c - a value change dump (IEEE 1364 clause 18) of chosen nets.
 *
 *   called by  main.c, tests; wires.c at each change of a level      calls  wires.h
 *
 * One-bit wires, time in units of 100 ps, z for a net that nobody drives.  A cut net
 * shows its near side.
 *
 * A core may lag up to a quantum behind another, so changes do not come in order of
 * time.  They wait in a short sorted list until nothing earlier can come any more. */
#include "vcd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NETS = 64, MAX_WAITING = 4096 };
#define PATIENCE (2 * SIM_QUANTUM)

struct change { sim_time at; int net; char level; };

struct vcd {
    struct sim *sim;
    FILE *file;
    struct slot { struct vcd *vcd; struct net *net; int number; char last; } slots[MAX_NETS];
    int nets;
    bool begun;                     /* the header is written */
    struct change waiting[MAX_WAITING];     /* by time, earliest first */
    int count;
    sim_time newest, printed;       /* printed: the last time written, in file units */
};

static char letter(const struct net *net)
{
    return net->level == LEVEL_OPEN ? 'z' : (char)('0' + net->level);
}

static char identifier(int net) { return (char)('!' + net); }

static void begin(struct vcd *vcd)
{
    vcd->begun = true;
    fprintf(vcd->file, "$version virtual Blue Pill $end\n$timescale 100 ps $end\n"
                       "$scope module board $end\n");
    for (int i = 0; i < vcd->nets; i++) {
        fprintf(vcd->file, "$var wire 1 %c ", identifier(i));
        for (const char *c = vcd->slots[i].net->name; *c; c++)
            fputc(*c == ' ' ? '_' : *c, vcd->file);
        fprintf(vcd->file, " $end\n");
    }
    fprintf(vcd->file, "$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n");
    for (int i = 0; i < vcd->nets; i++)
        fprintf(vcd->file, "%c%c\n", vcd->slots[i].last, identifier(i));
    fprintf(vcd->file, "$end\n");
}

static void print(struct vcd *vcd, const struct change *change)
{
    struct slot *slot = &vcd->slots[change->net];
    sim_time at = change->at * 10 / SIM_NS;
    if (slot->last == change->level)
        return;
    slot->last = change->level;
    if (at > vcd->printed) {
        fprintf(vcd->file, "#%llu\n", (unsigned long long)at);
        vcd->printed = at;
    }
    fprintf(vcd->file, "%c%c\n", change->level, identifier(change->net));
}

/* Writes the first n of the waiting changes. */
static void print_first(struct vcd *vcd, int n)
{
    if (!vcd->begun)
        begin(vcd);
    for (int i = 0; i < n; i++)
        print(vcd, &vcd->waiting[i]);
    vcd->count -= n;
    memmove(vcd->waiting, vcd->waiting + n, sizeof *vcd->waiting * (size_t)vcd->count);
}

static void print_old(struct vcd *vcd)
{
    int n = 0;
    while (n < vcd->count && vcd->waiting[n].at + PATIENCE < vcd->newest)
        n++;
    print_first(vcd, n ? n : vcd->count / 2);
}

static void net_changed(void *ctx, const struct net *net)
{
    struct slot *slot = ctx;
    struct vcd *vcd = slot->vcd;
    struct change change = { vcd->sim->now, slot->number, letter(net) };
    if (vcd->count == MAX_WAITING)
        print_old(vcd);
    int at = vcd->count++;
    for (; at > 0 && vcd->waiting[at - 1].at > change.at; at--)
        vcd->waiting[at] = vcd->waiting[at - 1];
    vcd->waiting[at] = change;
    if (change.at > vcd->newest)
        vcd->newest = change.at;
}

struct vcd *vcd_open(struct sim *sim, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return NULL;
    struct vcd *vcd = calloc(1, sizeof *vcd);
    vcd->sim = sim;
    vcd->file = file;
    return vcd;
}

void vcd_add(struct vcd *vcd, struct net *net)
{
    if (!net || vcd->begun || vcd->nets == MAX_NETS)
        return;
    struct slot *slot = &vcd->slots[vcd->nets];
    *slot = (struct slot){ vcd, net, vcd->nets++, letter(net) };
    net_watch(net, net_changed, slot);
}

/* The file ends with the present time, so that the last level has a length. */
static void print_end(struct vcd *vcd)
{
    sim_time now = vcd->sim->now * 10 / SIM_NS;
    if (now > vcd->printed)
        fprintf(vcd->file, "#%llu\n", (unsigned long long)now);
}

bool vcd_close(struct vcd *vcd)
{
    if (!vcd)
        return true;
    print_first(vcd, vcd->count);
    print_end(vcd);
    bool good = !ferror(vcd->file);
    if (fclose(vcd->file))
        good = false;
    for (int i = 0; i < vcd->nets; i++)
        net_unwatch(vcd->slots[i].net, &vcd->slots[i]);
    free(vcd);
    return good;
}
