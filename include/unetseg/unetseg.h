/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-types.h>
#include <unetseg/unet-contract.h>
#include <unetseg/unet-model.h>
#include <unetseg/unet-session.h>
#include <unetseg/unet-calibration.h>
