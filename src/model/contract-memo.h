/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The contract that a model was last resolved to, since that infers the shapes
 * of the whole graph. Any thread. */

#include <unetseg/unet-contract.h>

G_BEGIN_DECLS

/* One for each model. */
typedef struct _UnetContractMemo UnetContractMemo;

/* @self: (nullable) */
void unet_contract_memo_free (UnetContractMemo *self);
/* Returns (transfer full) (nullable): the contract that @overrides (nullable)
 * led to, and adds its notes to @notes (nullable). @memo: the model's place for
 * it. */
UnetContract *unet_contract_memo_get (
    UnetContractMemo *const *memo, GHashTable *overrides, GPtrArray *notes);
/* Takes the place of what was there. */
void unet_contract_memo_set (UnetContractMemo **memo, GHashTable *overrides,
    const UnetContract *contract, const GPtrArray *notes);

G_END_DECLS
