/*
 * A made-up /proc and /sys for tests: a folder that is written file by file and then removed.
 */
#ifndef TESTS_FAKE_ROOT_H
#define TESTS_FAKE_ROOT_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/document.h"

/* text becomes the file root + path; the folders above it are made. */
static inline void fake_file(const char *root, const char *path, const char *text)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s", root, path);
    char *file = strrchr(name, '/');
    *file = '\0';
    if (document_make_folder(name, NULL))
        abort();
    *file = '/';
    FILE *f = fopen(name, "w");
    if (!f || fputs(text, f) < 0 || fclose(f)) {
        perror(name);
        abort();
    }
}

static inline int fake_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static inline void fake_remove(const char *root)
{
    nftw(root, fake_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
