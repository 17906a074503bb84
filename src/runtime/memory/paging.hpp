// Paging: a device that holds more than its budget reads the difference from its storage before a
// turn's first operation. Here the reading is real.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "runtime/memory/resident.hpp"

namespace headroom::runtime {

class Pager {
  public:
    /// Reads `bytes` of the weights that are here again from the model file, in place: the bits
    /// stay what they are, and no memory is needed. It goes round: block after block, beginning
    /// where the last call ended; if the overload exceeds the weights (caches and buffers are over
    /// budget too, but are nowhere on storage), weights are read more than once per call. Returns
    /// the bytes read: exactly `bytes`, or less than a row more where weights are expanded on
    /// loading (resident bytes are counted, not stored ones). Throws EnvironmentError naming the
    /// device. Precondition: resident.has_storage(), and it holds a block.
    Bytes read(Resident& resident, Bytes bytes, std::string_view device_name);

  private:
    /// The piece that the next byte belongs to; steps over what is read or has left.
    struct Place {
        model::Block* block = nullptr;
        std::size_t piece = 0;
    };
    Place next(Resident& resident);

    BlockId block_{0};
    std::size_t piece_ = 0;
    Bytes first_ = 0; ///< in that piece
};

} // namespace headroom::runtime
