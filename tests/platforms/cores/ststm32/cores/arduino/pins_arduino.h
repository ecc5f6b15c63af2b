#pragma once
#include VARIANT_H
