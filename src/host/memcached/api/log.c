/*
 * The logger that engines of memcached's interface call: Rust has no functions with a
 * variable number of arguments yet.
 */
#include <stdarg.h>
#include <stdio.h>

/* A longer message is cut. */
#define MAX_MESSAGE 4096

void kumo_engine_logged(int level, const char *text);

void kumo_engine_log(int level, const void *cookie, const char *format, ...) {
    char text[MAX_MESSAGE];
    va_list arguments;
    (void)cookie;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= 0)
        kumo_engine_logged(level, text);
    va_end(arguments);
}
