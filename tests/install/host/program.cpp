// SPDX-License-Identifier: Apache-2.0
#include <catdog/catdog.hpp>

int own();

int main() { return own() + (catdog::Classifier::open().labels().empty() ? 1 : 0); }
