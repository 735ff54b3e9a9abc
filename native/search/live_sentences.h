// How many sentences are worth having under way at a time.
#pragma once

#include <cstdint>

#include "search/batch.h"
#include "plan/plan.h"

namespace dragoman {

// As many as make a step read no more weights than values of its rows, from 32 to 64: more would rather cost workspace
// than save time (decision 0015). Keeps a number that is given. columns: of the output layer.
SearchOptions with_live_sentences(SearchOptions options, const Plan& plan, int64_t columns);

}  // namespace dragoman
