package javax.annotation;

/** The annotation of generated classes, which was part of Java until version 10. */
public @interface Generated {
    String[] value();

    String date() default "";

    String comments() default "";
}
