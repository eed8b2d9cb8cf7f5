/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * UNET_INTERNAL_API:
 *
 * Marks a symbol that the shared library exports for the plugin and the
 * program of the same version. It stands in no installed header; public
 * symbols have UNET_API.
 */
#define UNET_INTERNAL_API __attribute__ ((visibility ("default")))
