/* say.h - a line of text for the user, from any layer. */
#ifndef SAY_H
#define SAY_H

#include <stdarg.h>

/* What may stand in the format: print.h.  Nobody listening, nothing said. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Where it goes from now on: the top knows. */
void say_through(void (*sink)(const char *format, va_list list));

#endif
