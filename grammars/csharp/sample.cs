using System.Collections.Generic; // marks: import System.Collections.Generic
using Alias = System.Text; // marks: import System.Text
namespace Alpha.Beta; // marks: definition.module Alpha.Beta

public class Stack<T> : Base<T>, IShape // marks: definition.class Stack; reference.implementation Base; reference.implementation IShape
{
    const int Limit = 3; // marks: definition.field Limit
    private List<T> items = new List<T>(); // marks: definition.field items; reference.call List
    public event Action Changed; // marks: definition.field Changed
    public int Count { get; set; } // marks: definition.field Count
    public Stack(int n) : base(n) { } // marks: definition.constructor Stack
    public void Push(T item) // marks: definition.method Push
    {
        int Local(int x) => x; // marks: definition.function Local
        items.Add(item); // marks: reference.call Add
        Local(1); // marks: reference.call Local
    }
    public static Stack<T> operator +(Stack<T> a, Stack<T> b) => a;
}
public interface IShape { double Area(); } // marks: definition.interface IShape; definition.method Area
public struct Point { public int X; } // marks: definition.struct Point; definition.field X
public enum Color { Red, Green = 2 } // marks: definition.enum Color; definition.variant Red; definition.variant Green
public record Pair(int A, int B); // marks: definition.struct Pair
public delegate void Handler(int x); // marks: definition.type Handler
public class StackTests // marks: definition.class StackTests
{
    [Fact]
    public void Pushes() { new Stack<int>(1).Push(2); } // marks: definition.method Pushes; test Pushes; reference.call Push; reference.call Stack
}
