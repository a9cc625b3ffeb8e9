/*
 * The path of a key.
 *
 * Letters, digits and a few marks stand for themselves, so that the key "test" is the file
 * "test"; every other byte is %XX. A dot at the beginning of a name is %2E: no name is "."
 * or "..", or the engine's own. What would be too long for one name is cut: all parts but
 * the last are directories, whose names end in "+", which no file's name contains. So the
 * key can be read back from the path, and no two keys have the same.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "fs_engine.h"

#include <string.h>

/* File systems that encrypt names have room for 143 bytes. */
#define PART 140

static bool plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("_-.:,=@", c) != NULL);
}

bool fs_name_is_part(const char *name)
{
    size_t n = strlen(name); /* %XX is not cut, so up to two may be missing */
    return n >= PART - 1 && n <= PART + 1 && name[n - 1] == '+';
}

bool fs_name(char *path, const void *key, size_t nkey)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *bytes = key;
    size_t i, column = 0;
    char *to = path;
    if (nkey == 0 || nkey > FS_KEY_MAX) {
        return false;
    }
    for (i = 0; i < nkey; i++) {
        size_t width = plain(bytes[i]) ? 1 : 3;
        if (column + width > PART) {
            *to++ = '+';
            *to++ = '/';
            column = 0;
        }
        if (width == 1 && !(bytes[i] == '.' && column == 0)) {
            *to++ = (char)bytes[i];
            column += 1;
        } else {
            *to++ = '%';
            *to++ = digits[bytes[i] >> 4];
            *to++ = digits[bytes[i] & 15];
            column += 3;
        }
    }
    *to = '\0';
    return true;
}
