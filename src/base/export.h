/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Exports a function of the library for the plugin and the program of the same
 * version. It is not public: no installed header declares it, and it may change
 * with every release. */
#define UNET_INTERNAL_API __attribute__ ((visibility ("default")))
