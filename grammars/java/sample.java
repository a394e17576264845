package alpha.beta; // marks: definition.module alpha.beta
import java.util.List; // marks: import java.util.List
import static alpha.Other.*; // marks: import alpha.Other

@Deprecated
public class Stack<T> extends Base<T> implements Shape, Other<T> { // marks: definition.class Stack; reference.implementation Base; reference.implementation Shape; reference.implementation Other
  static final int LIMIT = 3; // marks: definition.field LIMIT
  private List<T> items, more; // marks: definition.field items; definition.field more
  public Stack(int n) { super(n); } // marks: definition.constructor Stack
  @Override
  public <U> U push(T item) { // marks: definition.method push
    items.add(item); // marks: reference.call add
    return make(new Thing<>(1)); // marks: reference.call make; reference.call Thing
  }
  interface Inner { // marks: definition.interface Inner
    void draw(); // marks: definition.method draw
    int K = 1; // marks: definition.constant K
  }
  enum Color { // marks: definition.enum Color
    RED, GREEN(1); // marks: definition.variant RED; definition.variant GREEN
    Color() {} // marks: definition.constructor Color
  }
  record Pair(int a, int b) { // marks: definition.struct Pair
    Pair { check(a); } // marks: definition.constructor Pair; reference.call check
  }
  @interface Marker { // marks: definition.interface Marker
    String value() default ""; // marks: definition.method value
  }
  @Test
  public void pushes() { push(null); } // marks: definition.method pushes; test pushes; reference.call push
  @ParameterizedTest
  void more() {} // marks: definition.method more; test more
}
