#include "millrace/state/headers.h"

namespace millrace {

const Headers& Headers::Empty() {
  static const Headers* const empty = new Headers();
  return *empty;
}

}  // namespace millrace
