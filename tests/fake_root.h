/*
 * A made-up /proc and /sys for tests, written file by file.
 */
#ifndef TESTS_FAKE_ROOT_H
#define TESTS_FAKE_ROOT_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* A folder where the file root + path should be: it is there, and reading it fails even for the
 * superuser. */
static inline void fake_unreadable(const char *root, const char *path)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s", root, path);
    remove(name);
    if (document_make_folder(name, NULL))
        abort();
}

#endif
