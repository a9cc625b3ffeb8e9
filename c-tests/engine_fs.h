/* What the two files of tests of fs_engine share. */
#ifndef ENGINE_FS_H
#define ENGINE_FS_H

#include "engine_host.h"

#define KEY(text) text, sizeof(text) - 1
#define TRAILER 65 /* the line behind every value */

/* The engine's directory is DIRECTORY/data. */
void fs_use(const char *library, const char *directory);
void fs_start(bool sync);
void fs_restart(void);
/* The path of a file in it; overwritten by the next call. */
const char *fs_path(const char *name);
long fs_read_file(const char *name, char *bytes, size_t n);
void fs_write_file(const char *name, const char *bytes, size_t n);
/* How many files an interrupted write has left. */
int fs_leftovers(void);

void test_kill(void);
void test_names(client *c);
void test_threads(client *c);

#endif
