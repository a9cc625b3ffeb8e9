/*
 * Drives an engine through its table.
 *
 *     engine_test ENGINE.so DIRECTORY
 *
 * fs_engine.so keeps its files in the directory, which is new; the engines of engines/ are
 * known by their names. What is wrong ends it by a signal, with the line.
 */
#include "engine_host.h"

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: engine_test ENGINE.so DIRECTORY\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strstr(argv[1], "fs_engine.so") != NULL) {
        test_fs(argv[1], argv[2]);
    } else {
        test_other(argv[1], argv[2]);
    }
    printf("ok\n");
    return 0;
}
